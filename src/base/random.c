#include "paracrine/base.h"

/* Constants of Salmon et al. 2011, table 2 and section 3.3. */
enum { PHILOX_ROUNDS = 10 };
static const uint32_t philox_m0 = 0xD2511F53u, philox_m1 = 0xCD9E8D57u;
static const uint32_t philox_w0 = 0x9E3779B9u, philox_w1 = 0xBB67AE85u;

void prc_philox(uint64_t key, const uint32_t counter[4], uint32_t out[4])
{
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    for (int round = 0; round < PHILOX_ROUNDS; round++) {
        uint64_t p0 = (uint64_t)philox_m0 * c0, p1 = (uint64_t)philox_m1 * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)p1;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)p0;
        k0 += philox_w0;
        k1 += philox_w1;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

uint32_t prc_purpose(const char *name)
{
    uint32_t h = 2166136261u;
    for (; *name; name++) h = (h ^ (unsigned char)*name) * 16777619u;
    return h;
}

double prc_uniform(uint64_t seed, uint32_t patient, uint32_t purpose, uint32_t draw, uint32_t replicate)
{
    const uint32_t counter[4] = {draw, purpose, patient, replicate};
    uint32_t w[4];
    prc_philox(seed, counter, w);
    /* The middle of one of 2^52 equal intervals: exact, and never an end of (0, 1). */
    uint64_t k = ((uint64_t)w[1] << 32 | w[0]) >> 12;
    return ((double)k + 0.5) * 0x1p-52;
}

double prc_normal(uint64_t seed, uint32_t patient, uint32_t purpose, uint32_t draw, uint32_t replicate)
{
    return prc_norm_inv(prc_uniform(seed, patient, purpose, draw, replicate));
}

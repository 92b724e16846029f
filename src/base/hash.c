#include "paracrine/base.h"

#include <nettle/sha2.h>

void prc_sha256_hex(const void *p, size_t n, char out[65])
{
    static const char digit[] = "0123456789abcdef";
    struct sha256_ctx ctx;
    uint8_t sum[SHA256_DIGEST_SIZE];
    sha256_init(&ctx);
    if (n > 0) sha256_update(&ctx, n, p);
    sha256_digest(&ctx, sizeof sum, sum);
    for (size_t i = 0; i < sizeof sum; i++) {
        out[2 * i] = digit[sum[i] >> 4];
        out[2 * i + 1] = digit[sum[i] & 15];
    }
    out[64] = '\0';
}

#include "../tap.h"

#include "paracrine/base.h"

/* Known answers of philox4x32 10 from the file kat_vectors of Random123. */
static void known_answers(void)
{
    static const struct {
        uint32_t counter[4], key[2], want[4];
    } kat[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof kat / sizeof *kat; i++) {
        uint32_t out[4];
        prc_philox((uint64_t)kat[i].key[1] << 32 | kat[i].key[0], kat[i].counter, out);
        TAP_THAT(memcmp(out, kat[i].want, sizeof out) == 0, "vector %zu: %08x %08x %08x %08x", i, out[0], out[1], out[2],
                 out[3]);
    }
}

/* FNV-1a: the published test values of Fowler, Noll and Vo. */
static void purposes(void)
{
    TAP_INT(prc_purpose(""), 0x811c9dc5u);
    TAP_INT(prc_purpose("a"), 0xe40c292cu);
    TAP_INT(prc_purpose("foobar"), 0xbf9cf968u);
}

/* 52 bits of the two low words: 0xe169c58d6627e8d5 >> 12 = 0xe169c58d6627e, worked by hand from the first vector. */
static void uniform_by_hand(void)
{
    TAP_NEAR(prc_uniform(0, 0, 0, 0, 0), ((double)0xe169c58d6627eu + 0.5) / 4503599627370496.0, 0);
}

static void uniform_moments(void)
{
    enum { N = 200000 };
    double sum = 0, squares = 0, low = 1, high = 0;
    for (uint32_t i = 0; i < N; i++) {
        double u = prc_uniform(7, i, prc_purpose("test"), 0, 0);
        sum += u;
        squares += u * u;
        if (u < low) low = u;
        if (u > high) high = u;
    }
    /* Five standard errors. */
    TAP_NEAR(sum / N, 0.5, 5 * sqrt(1.0 / 12 / N));
    TAP_NEAR(squares / N, 1.0 / 3, 5 * sqrt(4.0 / 45 / N));
    TAP_OK(low > 0 && high < 1);
}

static void normal_moments(void)
{
    enum { N = 200000 };
    double sum = 0, squares = 0;
    for (uint32_t i = 0; i < N; i++) {
        double z = prc_normal(7, 3, prc_purpose("test"), i, 0);
        sum += z;
        squares += z * z;
    }
    TAP_NEAR(sum / N, 0, 5 / sqrt(N));
    TAP_NEAR(squares / N, 1, 5 * sqrt(2.0 / N));
}

static void every_argument_counts(void)
{
    double base = prc_uniform(1, 2, 3, 4, 5);
    TAP_NEAR(prc_uniform(1, 2, 3, 4, 5), base, 0);
    TAP_OK(prc_uniform(2, 2, 3, 4, 5) != base);
    TAP_OK(prc_uniform(1ull << 32 | 1, 2, 3, 4, 5) != base);
    TAP_OK(prc_uniform(1, 3, 3, 4, 5) != base);
    TAP_OK(prc_uniform(1, 2, 4, 4, 5) != base);
    TAP_OK(prc_uniform(1, 2, 3, 5, 5) != base);
    TAP_OK(prc_uniform(1, 2, 3, 4, 6) != base);
    TAP_OK(prc_uniform(1, 3, 2, 4, 5) != prc_uniform(1, 2, 3, 4, 5));
}

int main(void)
{
    TAP_RUN(known_answers);
    TAP_RUN(purposes);
    TAP_RUN(uniform_by_hand);
    TAP_RUN(uniform_moments);
    TAP_RUN(normal_moments);
    TAP_RUN(every_argument_counts);
    return tap_done();
}

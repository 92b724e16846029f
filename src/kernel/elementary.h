/* elementary.h: exp, log, pow, sin, cos, tan, tanh as straight-line code that vectorises and gives the same bits at every
 * processor level. Only + - * /, 64-bit logic and selection are used: no FMA, no table, no libm, no branch. Compile with
 * -ffp-contract=off, and with -fno-math-errno -fno-trapping-math where loops shall vectorise. Round-to-nearest is assumed. */
#ifndef PRC_ELEMENTARY_H
#define PRC_ELEMENTARY_H

#include <stdint.h>
#include <string.h>

#define PRC_K_FN static inline __attribute__((always_inline, unused))

#define PRC_K_INF ((double)__builtin_inf())
#define PRC_K_NAN ((double)__builtin_nan(""))
/* Adding 1.5 * 2^52 rounds to an integer, which then stands in the low bits in two's complement. */
#define PRC_K_ROUND 0x1.8p52
/* ln 2 in two parts: k times the first is exact for |k| < 4096. */
#define PRC_K_LN2_HI 0x1.62e42fefa3000p-1
#define PRC_K_LN2_LO 0x1.3de6af278ece6p-42

PRC_K_FN uint64_t prc_k_bits(double x)
{
    uint64_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

PRC_K_FN double prc_k_real(uint64_t u)
{
    double x;
    memcpy(&x, &u, sizeof x);
    return x;
}

PRC_K_FN double prc_k_abs(double x) { return prc_k_real(prc_k_bits(x) & 0x7fffffffffffffffu); }

/* The upper 26 bits of x: products of two such are exact. */
PRC_K_FN double prc_k_head(double x) { return prc_k_real(prc_k_bits(x) & 0xfffffffff8000000u); }

/* The rounding error of p = a * b (Dekker 1971), to within 2^-106 of the product. */
PRC_K_FN double prc_k_product_error(double a, double b, double p)
{
    double ah = prc_k_head(a), al = a - ah, bh = prc_k_head(b), bl = b - bh;
    return ((ah * bh - p) + (ah * bl + al * bh)) + al * bl;
}

/* exp(x + tail) for |tail| tiny against x: reduction to |r| <= ln2/2, polynomial of degree 12, scaling in two steps so that
 * overflow and denormal results round once. */
PRC_K_FN double prc_k_exp_tail(double x, double tail)
{
    x = x > 710.0 ? 710.0 : x;
    double far = x < -746.0 ? 0.0 : 1.0;
    x = x < -746.0 ? 0.0 : x; /* keeps slow denormal arithmetic out of what is 0 anyway */
    double kd = (x * 0x1.71547652b82fep+0 + PRC_K_ROUND) - PRC_K_ROUND;
    double hi = x - kd * PRC_K_LN2_HI;
    double lo = kd * PRC_K_LN2_LO - tail;
    double r = hi - lo;
    double rl = (hi - r) - lo;
    double z = r * r;
    double even = 0x1.5555555555556p-3 +
                  z * (0x1.11111111109a2p-7 +
                       z * (0x1.a01a01a7d176dp-13 + z * (0x1.71de0d7a972efp-19 + z * 0x1.af3924be99a57p-26)));
    double odd = 0x1.5555555555555p-5 +
                 z * (0x1.6c16c16c167d8p-10 +
                      z * (0x1.a01a01a482a5bp-16 + z * (0x1.27e4e1d6ed7e8p-22 + z * 0x1.1f6725cc8f974p-29)));
    double e = 1.0 + (r + (rl + z * (0.5 + r * (even + r * odd))));
    double half = kd * 0.5 + PRC_K_ROUND;
    double rest = (kd - (half - PRC_K_ROUND)) + PRC_K_ROUND;
    double s1 = prc_k_real((prc_k_bits(half) + 1023u) << 52);
    double s2 = prc_k_real((prc_k_bits(rest) + 1023u) << 52);
    double y = e * s1 * s2;
    y = far > 0.0 ? y : 0.0;
    return x != x ? x : y;
}

PRC_K_FN double prc_k_exp(double x) { return prc_k_exp_tail(x, 0.0); }

/* Splits x > 0 (finite, denormals too) into m in [sqrt(1/2), sqrt(2)) and the exponent k as a double. */
PRC_K_FN double prc_k_split(double x, double *k)
{
    double small = x < 0x1p-1022 ? -54.0 : 0.0;
    double scaled = x < 0x1p-1022 ? x * 0x1p54 : x;
    uint64_t u = prc_k_bits(scaled) + (0x3ff0000000000000u - 0x3fe6a09e667f3bcdu);
    *k = (prc_k_real((u >> 52) | 0x4330000000000000u) - (0x1p52 + 1023.0)) + small;
    return prc_k_real((u & 0x000fffffffffffffu) + 0x3fe6a09e667f3bcdu);
}

/* log(x): the reduction and polynomial of FreeBSD's e_log.c (Sun 1993), error below 1 ulp. */
PRC_K_FN double prc_k_log(double x)
{
    double k;
    double f = prc_k_split(x, &k) - 1.0;
    double s = f / (2.0 + f);
    double z = s * s;
    double w = z * z;
    double t1 = w * (3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01));
    double t2 = z * (6.666666666666735130e-01 +
                     w * (2.857142874366239149e-01 + w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01)));
    double half = 0.5 * f * f;
    double y = k * PRC_K_LN2_HI - ((half - (s * (half + (t1 + t2)) + k * PRC_K_LN2_LO)) - f);
    y = x < PRC_K_INF ? y : x;
    y = x == 0.0 ? -PRC_K_INF : y;
    return x < 0.0 ? PRC_K_NAN : y;
}

/* log(x) for finite x > 0 as the sum of the result and *tail, to about 2^-64 relative. */
PRC_K_FN double prc_k_log_pair(double x, double *tail)
{
    double k;
    double m = prc_k_split(x, &k);
    /* s = (m - 1) / (m + 1) in two parts. */
    double f = m - 1.0, g = m + 1.0, gl = m > 1.0 ? 1.0 - (g - m) : m - (g - 1.0);
    double rcp = 1.0 / g;
    double s = f * rcp;
    double p = s * g;
    double sl = (((f - p) - prc_k_product_error(s, g, p)) - s * gl) * rcp;
    /* log m = 2 s (1 + z/3 + z^2/5 + ...), z = s^2; the sum in brackets, less 1, is w + wl. */
    double z = s * s;
    double zl = prc_k_product_error(s, s, z) + 2.0 * s * sl;
    double z2 = z * z;
    double a = 0x1.999999999999ap-3 +
               z2 * (0x1.c71c71c6ea6c8p-4 + z2 * (0x1.3b1395beb5ad0p-4 + z2 * 0x1.df7bec727b1b0p-5));
    double b = 0x1.2492492492522p-3 +
               z2 * (0x1.745d177ac47d7p-4 + z2 * (0x1.1118cc02cb79ap-4 + z2 * 0x1.e03770765d720p-5));
    double q = z2 * (a + z * b);
    double t = z * 0x1.5555555555555p-2;
    double tl = prc_k_product_error(z, 0x1.5555555555555p-2, t) + (z * 0x1.5555555555555p-56 + zl * 0x1.5555555555555p-2);
    double w = t + q;
    double wl = (q - (w - t)) + tl;
    /* s + s w, then twice that plus k ln 2. */
    double v = s * w;
    double vl = prc_k_product_error(s, w, v) + (s * wl + sl * w);
    double h = s + v;
    double hl = ((v - (h - s)) + vl) + sl;
    double big = k * PRC_K_LN2_HI;
    double y = big + 2.0 * h;
    /* |big| >= ln 2 > |2 h| unless k = 0, where big = 0 and the difference is 0 as it should be. */
    double yl = (2.0 * h - (y - big)) + (2.0 * hl + k * PRC_K_LN2_LO);
    double sum = y + yl;
    *tail = yl - (sum - y);
    return sum;
}

/* 1 if a >= 0 is an integer, else 0. */
PRC_K_FN double prc_k_is_integer(double a)
{
    double near = (a + 0x1p52) - 0x1p52 == a ? 1.0 : 0.0;
    return a >= 0x1p52 ? 1.0 : near;
}

/* x^y with the special cases of C99 F.9.4.4. */
PRC_K_FN double prc_k_pow(double x, double y)
{
    double ax = prc_k_abs(x), ay = prc_k_abs(y);
    double tail;
    double l = prc_k_log_pair(ax, &tail);
    /* Beyond 2^64 the power is 0, 1 or infinite whatever y is. */
    double yc = y > 0x1p64 ? 0x1p64 : y;
    yc = yc < -0x1p64 ? -0x1p64 : yc;
    double p = yc * l;
    double pl = prc_k_product_error(yc, l, p) + yc * tail;
    double r = prc_k_exp_tail(p, prc_k_abs(p) < 800.0 ? pl : 0.0);
    double at_zero = y > 0.0 ? 0.0 : PRC_K_INF;
    double at_inf = y > 0.0 ? PRC_K_INF : 0.0;
    r = ax == 0.0 ? at_zero : r;
    r = ax == PRC_K_INF ? at_inf : r;
    /* Sign: negative for a negative base (-0 too) and an odd exponent; NaN for a finite negative base and a fraction. */
    double whole = prc_k_is_integer(ay);
    double odd = whole - prc_k_is_integer(ay * 0.5);
    double base = prc_k_real((prc_k_bits(x) & 0x8000000000000000u) | 0x3ff0000000000000u);
    double flip = base < 0.0 ? odd : 0.0;
    r = flip > 0.0 ? -r : r;
    double fraction = whole > 0.0 ? r : PRC_K_NAN;
    fraction = x < -0x1.fffffffffffffp1023 ? r : fraction;
    r = x < 0.0 ? fraction : r;
    r = x != x ? x : r;
    r = y != y ? y : r;
    r = x == 1.0 ? 1.0 : r;
    return y == 0.0 ? 1.0 : r;
}

/* Reduces x to |r| <= pi/4 (r + *tail) and the quadrant in the low two bits; good for |x| <= 1e12, beyond which sin, cos and
 * tan are NaN rather than wrong. Cody and Waite (1980) with three parts of pi/2 and exact products. */
PRC_K_FN double prc_k_quadrant(double x, double *tail, uint64_t *quadrant)
{
    x = prc_k_abs(x) <= 1e12 ? x : PRC_K_NAN;
    double n = x * 0x1.45f306dc9c883p-1 + PRC_K_ROUND;
    *quadrant = prc_k_bits(n);
    n -= PRC_K_ROUND;
    double p1 = n * 0x1.921fb54442d18p+0, e1 = prc_k_product_error(n, 0x1.921fb54442d18p+0, p1);
    double p2 = n * 0x1.1a62633145c07p-54, e2 = prc_k_product_error(n, 0x1.1a62633145c07p-54, p2);
    double a = x - p1;
    double b = a - e1, bl = (a - b) - e1;
    /* e1 can be larger than a when x is near a multiple of pi/2: take the error the other way round. */
    double b_minus = b - a;
    bl = (a - (b - b_minus)) + (-e1 - b_minus);
    double r = b - p2;
    double r_minus = r - b;
    double rl = (b - (r - r_minus)) + (-p2 - r_minus);
    *tail = (rl + bl) - (e2 - n * 0x1.f1976b7ed8fbcp-110);
    double sum = r + *tail;
    *tail -= sum - r;
    return sum;
}

/* sin and cos on |r| <= pi/4 with the polynomials of FreeBSD's k_sin.c and k_cos.c. */
PRC_K_FN double prc_k_sin_core(double r, double tail)
{
    double z = r * r, v = z * r;
    double q = 8.33333333332248946124e-03 +
               z * (-1.98412698298579493134e-04 +
                    z * (2.75573137070700676789e-06 + z * (-2.50507602534068634195e-08 + z * 1.58969099521155010221e-10)));
    return r - ((z * (0.5 * tail - v * q) - tail) - v * -1.66666666666666324348e-01);
}

PRC_K_FN double prc_k_cos_core(double r, double tail)
{
    double z = r * r;
    double q = z * (4.16666666666666019037e-02 +
                    z * (-1.38888888888741095749e-03 +
                         z * (2.48015872894767294178e-05 +
                              z * (-2.75573143513906633035e-07 +
                                   z * (2.08757232129817482790e-09 + z * -1.13596475577881948265e-11)))));
    double half = 0.5 * z, w = 1.0 - half;
    return w + (((1.0 - w) - half) + (z * q - r * tail));
}

/* 1 if bit 0 of the quadrant is set, else 0. */
PRC_K_FN double prc_k_odd(uint64_t quadrant) { return prc_k_real((quadrant & 1u) | 0x4330000000000000u) - 0x1p52; }

PRC_K_FN double prc_k_sin(double x)
{
    double tail;
    uint64_t q;
    double r = prc_k_quadrant(x, &tail, &q);
    double s = prc_k_sin_core(r, tail), c = prc_k_cos_core(r, tail);
    double y = prc_k_odd(q) > 0.0 ? c : s;
    y = prc_k_real(prc_k_bits(y) ^ ((q & 2u) << 62));
    y = r != r ? PRC_K_NAN : y;
    return x == 0.0 ? x : y;
}

PRC_K_FN double prc_k_cos(double x)
{
    double tail;
    uint64_t q;
    double r = prc_k_quadrant(x, &tail, &q);
    double s = prc_k_sin_core(r, tail), c = prc_k_cos_core(r, tail);
    double y = prc_k_odd(q) > 0.0 ? s : c;
    y = prc_k_real(prc_k_bits(y) ^ (((q + 1u) & 2u) << 62));
    return r != r ? PRC_K_NAN : y;
}

PRC_K_FN double prc_k_tan(double x)
{
    double tail;
    uint64_t q;
    double r = prc_k_quadrant(x, &tail, &q);
    double s = prc_k_sin_core(r, tail), c = prc_k_cos_core(r, tail);
    double odd = prc_k_odd(q);
    double up = odd > 0.0 ? -c : s;
    double down = odd > 0.0 ? s : c;
    double y = r != r ? PRC_K_NAN : up / down;
    return x == 0.0 ? x : y;
}

/* tanh: odd polynomial below 0.55, 1 - 2/(exp(2x) + 1) above. */
PRC_K_FN double prc_k_tanh(double x)
{
    double a = prc_k_abs(x), z = x * x;
    double q = -0x1.5555555555555p-2 +
               z * (0x1.1111111111032p-3 +
                    z * (-0x1.ba1ba1b9fec84p-5 +
                         z * (0x1.664f487713373p-6 +
                              z * (-0x1.226e32f00cf0cp-7 +
                                   z * (0x1.d6d339333f329p-9 +
                                        z * (-0x1.7d97cfd138c28p-10 +
                                             z * (0x1.34c5a8a996cd4p-11 +
                                                  z * (-0x1.ec1091436eb2ap-13 +
                                                       z * (0x1.64fd88e9900a5p-14 + z * -0x1.59a834187ce22p-16)))))))));
    double small = a + a * (z * q);
    double large = 1.0 - 2.0 / (prc_k_exp(2.0 * a) + 1.0);
    double y = a < 0.55 ? small : large;
    return prc_k_real(prc_k_bits(y) | (prc_k_bits(x) & 0x8000000000000000u));
}

#endif

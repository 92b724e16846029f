#include "paracrine/base.h"

#include <math.h>

#include "../kernel/elementary.h"

double prc_exp(double x) { return prc_k_exp(x); }

double prc_log(double x) { return prc_k_log(x); }

double prc_pow(double x, double y) { return prc_k_pow(x, y); }

/* c[0] + c[1] x + ... + c[n-1] x^(n-1). */
static double polynomial(const double *c, int n, double x)
{
    double y = c[n - 1];
    for (int i = n - 2; i >= 0; i--) y = y * x + c[i];
    return y;
}

/* Wichura 1988, Algorithm AS 241, PPND16: numerators and denominators for the middle, the near and the far tail. */
static const double inv_a[8] = {3.3871328727963666080e0, 1.3314166789178437745e+2, 1.9715909503065514427e+3,
                                1.3731693765509461125e+4, 4.5921953931549871457e+4, 6.7265770927008700853e+4,
                                3.3430575583588128105e+4, 2.5090809287301226727e+3};
static const double inv_b[8] = {1.0, 4.2313330701600911252e+1, 6.8718700749205790830e+2, 5.3941960214247511077e+3,
                                2.1213794301586595867e+4, 3.9307895800092710610e+4, 2.8729085735721942674e+4,
                                5.2264952788528545610e+3};
static const double inv_c[8] = {1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0,
                                3.64784832476320460504e0, 1.27045825245236838258e0, 2.41780725177450611770e-1,
                                2.27238449892691845833e-2, 7.74545014278341407640e-4};
static const double inv_d[8] = {1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
                                1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4,
                                1.05075007164441684324e-9};
static const double inv_e[8] = {6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0,
                                2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
                                2.71155556874348757815e-5, 2.01033439929228813265e-7};
static const double inv_f[8] = {1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
                                7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7,
                                2.04426310338993978564e-15};

double prc_norm_inv(double p)
{
    double q = p - 0.5;
    if (fabs(q) <= 0.425) {
        double r = 0.180625 - q * q;
        return q * polynomial(inv_a, 8, r) / polynomial(inv_b, 8, r);
    }
    double tail = q < 0.0 ? p : 1.0 - p;
    if (!(tail >= 0.0)) return (double)NAN;
    if (tail == 0.0) return q < 0.0 ? -(double)INFINITY : (double)INFINITY;
    double r = sqrt(-prc_k_log(tail));
    double x = r <= 5.0 ? polynomial(inv_c, 8, r - 1.6) / polynomial(inv_d, 8, r - 1.6)
                        : polynomial(inv_e, 8, r - 5.0) / polynomial(inv_f, 8, r - 5.0);
    return q < 0.0 ? -x : x;
}

/* Cody 1969, Rational Chebyshev approximations for the error function, in the form of his ANORM (ACM TOMS 715): |x| up to
 * 0.6745, to sqrt(32), and beyond. */
static const double cdf_a[5] = {18154.981253343561249, 1067.6894854603709582, 161.02823106855587881,
                                2.2352520354606839287, 0.065682337918207449113};
static const double cdf_b[5] = {45507.789335026729956, 10260.932208618978205, 976.09855173777669322,
                                47.20258190468824187, 1.0};
static const double cdf_c[9] = {9842.7148383839780218, 11602.651437647350124, 6848.1904505362823326,
                                2494.5375852903726711, 597.27027639480026226, 93.506656132177855979,
                                8.8831497943883759412, 0.39894151208813466764, 1.0765576773720192317e-8};
static const double cdf_d[9] = {19685.429676859990727, 38912.003286093271411, 34900.952721145977266,
                                18615.571640885098091, 6485.558298266760755, 1519.377599407554805,
                                235.38790178262499861, 22.266688044328115691, 1.0};
static const double cdf_p[6] = {2.9112874951168792e-5, 0.001421619193227893466, 0.022235277870649807,
                                0.1274011611602473639, 0.21589853405795699, 0.02307344176494017303};
static const double cdf_q[6] = {7.29751555083966205e-5, 0.00378239633202758244, 0.0659881378689285515,
                                0.468238212480865118, 1.28426009614491121, 1.0};

/* The probability beyond a > 0.67; x^2/2 is carried in two parts, as its error would be multiplied by up to 700. */
static double upper_tail(double a)
{
    double square = a * a;
    double bell = prc_k_exp_tail(-0.5 * square, -0.5 * prc_k_product_error(a, a, square));
    if (a <= 0x1.6a09e667f3bcdp+2) return bell * (polynomial(cdf_c, 9, a) / polynomial(cdf_d, 9, a));
    double z = 1.0 / square;
    double shift = z * polynomial(cdf_p, 6, z) / polynomial(cdf_q, 6, z);
    return bell * ((0.39894228040143267794 - shift) / a);
}

double prc_norm_cdf(double x)
{
    double a = fabs(x);
    if (x != x) return x;
    if (a <= 0.67448975) {
        double z = x * x;
        return 0.5 + x * (polynomial(cdf_a, 5, z) / polynomial(cdf_b, 5, z));
    }
    double tail = a < 39.0 ? upper_tail(a) : 0.0;
    return x < 0.0 ? tail : 1.0 - tail;
}

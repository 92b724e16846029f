/* meta_distribution.c: quantiles and tails that stat does not offer. */
#include "meta_int.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_errno.h>
#include <math.h>
#include <pthread.h>

static pthread_once_t gsl_once = PTHREAD_ONCE_INIT;

static void gsl_quiet(void)
{
    gsl_set_error_handler_off();
}

/* GSL's inverse gives up beyond some thousand degrees of freedom: Wilson and Hilferty's cube starts, Newton steps on the nearer tail finish. */
double prc_meta_chisq_quantile(double p, double df)
{
    if (!(p > 0 && p < 1) || !(df > 0)) return PRC_META_NONE;
    pthread_once(&gsl_once, gsl_quiet);
    bool upper = p > 0.5;
    double c = 2 / (9 * df), cube = 1 - c + prc_norm_inv(p) * sqrt(c), x = df < 30 ? (upper ? gsl_cdf_chisq_Qinv(1 - p, df) : gsl_cdf_chisq_Pinv(p, df)) : df * cube * cube * cube;
    int sign;
    for (int i = 0; i < 12; i++) {
        double miss = upper ? (1 - p) - gsl_cdf_chisq_Q(x, df) : gsl_cdf_chisq_P(x, df) - p;
        double density = 0.5 * exp((df / 2 - 1) * log(x / 2) - x / 2 - lgamma_r(df / 2, &sign)), step = miss / density;
        if (!isfinite(step) || fabs(step) > 0.5 * x) break;
        x -= step;
        if (fabs(step) < 1e-15 * x) break;
    }
    return x;
}

double prc_meta_f_p(double f, double df1, double df2)
{
    if (isnan(f) || !(df1 > 0) || !(df2 > 0)) return PRC_META_NONE;
    if (f <= 0) return 1;
    pthread_once(&gsl_once, gsl_quiet);
    double a = df1 * f;
    return a < df2 ? gsl_cdf_beta_Q(a / (a + df2), df1 / 2, df2 / 2) : gsl_cdf_beta_P(df2 / (a + df2), df2 / 2, df1 / 2);
}

double prc_meta_critical(double level, double df)
{
    return isnan(df) ? prc_norm_inv(0.5 + level / 2) : prc_stat_t_quantile(0.5 + level / 2, df);
}

double prc_meta_two_sided(double stat, double df)
{
    return isnan(df) ? prc_stat_normal_p(stat) : prc_stat_t_p(stat, df);
}

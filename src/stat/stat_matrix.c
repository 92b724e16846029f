/* stat_matrix.c: small dense symmetric systems, row-major. */
#include "stat_int.h"

#include <math.h>
#include <string.h>

double prc_dot(const double *a, const double *b, size_t n)
{
    double s = 0;
    for (size_t i = 0; i < n; i++) s += a[i] * b[i];
    return s;
}

bool prc_chol(double *a, size_t n, double tol)
{
    for (size_t j = 0; j < n; j++) {
        double *row = a + j * n, diag = row[j];
        for (size_t k = 0; k < j; k++) row[k] = (row[k] - prc_dot(row, a + k * n, k)) / a[k * n + k];
        double pivot = diag - prc_dot(row, row, j);
        if (!(pivot > tol * diag) || !(pivot > 0) || isinf(pivot)) return false;
        row[j] = sqrt(pivot);
    }
    return true;
}

void prc_chol_solve(const double *l, size_t n, double *b)
{
    for (size_t i = 0; i < n; i++) b[i] = (b[i] - prc_dot(l + i * n, b, i)) / l[i * n + i];
    for (size_t i = n; i-- > 0;) {
        b[i] /= l[i * n + i];
        for (size_t k = 0; k < i; k++) b[k] -= l[i * n + k] * b[i];
    }
}

void prc_chol_inverse(const double *l, size_t n, double *inv, double *work)
{
    /* work: row j is column j of the inverse of L. */
    for (size_t j = 0; j < n; j++) {
        double *c = work + j * n;
        memset(c, 0, n * sizeof *c);
        c[j] = 1 / l[j * n + j];
        for (size_t i = j + 1; i < n; i++) c[i] = -prc_dot(l + i * n + j, c + j, i - j) / l[i * n + i];
    }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++) inv[i * n + j] = inv[j * n + i] = prc_dot(work + i * n + i, work + j * n + i, n - i);
}

double prc_chol_logdet(const double *l, size_t n)
{
    double s = 0;
    for (size_t i = 0; i < n; i++) s += log(l[i * n + i]);
    return 2 * s;
}

size_t prc_chol_pick(double *a, size_t n, double tol, bool *keep, double *alias)
{
    size_t rank = 0;
    for (size_t j = 0; j < n; j++) {
        double *row = a + j * n, diag = row[j];
        for (size_t k = 0; k < j; k++) row[k] = keep[k] ? (row[k] - prc_dot(row, a + k * n, k)) / a[k * n + k] : 0;
        double pivot = diag - prc_dot(row, row, j);
        keep[j] = diag > 0 && pivot > tol * diag;
        if (keep[j]) {
            row[j] = sqrt(pivot);
            rank++;
            continue;
        }
        row[j] = 0;
        if (!alias) continue;
        /* x_j = sum c_k x_k with L' c = row. */
        double *c = alias + j * n;
        memset(c, 0, n * sizeof *c);
        for (size_t k = j; k-- > 0;) {
            if (!keep[k]) continue;
            double s = row[k];
            for (size_t m = k + 1; m < j; m++)
                if (keep[m]) s -= a[m * n + k] * c[m];
            c[k] = s / a[k * n + k];
        }
    }
    return rank;
}

void prc_column_scale(const double *x, size_t n, size_t p, double *scale)
{
    for (size_t j = 0; j < p; j++) {
        double mean = 0, ss = 0;
        for (size_t i = 0; i < n; i++) mean += x[i * p + j] / (double)n;
        for (size_t i = 0; i < n; i++) ss += (x[i * p + j] - mean) * (x[i * p + j] - mean);
        scale[j] = sqrt(ss / (double)(n ? n : 1));
        if (!(scale[j] > 1e-12 * fabs(mean))) scale[j] = mean != 0 ? fabs(mean) : 1; /* the intercept */
    }
}

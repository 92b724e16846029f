# Numbers for tests/unit/meta_test.c: R 4.2, metafor 3.8 (Debian r-cran-metafor). Run: Rscript tests/ref/meta_numbers.R > tests/ref/meta_numbers.h
# Tight convergence throughout: metafor's defaults give four to seven digits only.
suppressPackageStartupMessages({ library(metafor); library(metadat) })
ctl <- list(threshold = 1e-13, maxiter = 1e5, tol = 1e-14)
arr <- function(name, x) cat(sprintf("static const double %s[] = {%s};\n", name, paste(ifelse(is.na(x), "NONE", sprintf("%.17g", x)), collapse = ", ")))
cat("/* meta_numbers.h: written by tests/ref/meta_numbers.R (R ", as.character(getRversion()), ", metafor ", as.character(packageVersion("metafor")), "). */\n", sep = "")
cat("#ifndef META_NUMBERS_H\n#define META_NUMBERS_H\n#include <math.h>\n#define NONE ((double)NAN)\n\n")
# Made-up inputs: four studies for every kind of measure, with zero cells.
d <- data.frame(ai = c(12, 0, 7, 30), bi = c(88, 40, 13, 0), ci = c(20, 3, 9, 25), di = c(75, 37, 11, 6), x1i = c(4, 0, 11, 9), t1i = c(120, 60.5, 300, 210), x2i = c(9, 2, 8, 14), t2i = c(118, 66, 290, 190),
  m1i = c(12.1, 3.3, 40, 8.25), sd1i = c(3.1, 1.2, 11, 2.5), n1i = c(30, 12, 55, 210), m2i = c(10.4, 3.9, 37, 8), sd2i = c(2.8, 1.5, 14, 2.1), n2i = c(28, 14, 60, 190),
  xi = c(3, 0, 20, 15), ni = c(25, 12, 44, 15), ti = c(90, 40, 210, 77), ri = c(.5, -.2, .81, .05), mi = c(5, 2.5, 14, 9), sdi = c(1.5, .7, 4, 2))
for (n in names(d)) arr(paste0("in_", n), d[[n]])
eff <- function(m, e, tag = "") { key <- gsub("[.-]", "_", paste0(m, tag)); arr(paste0("yi_", key), as.numeric(e$yi)); arr(paste0("vi_", key), as.numeric(e$vi)) }
for (m in c("RR", "OR", "RD", "AS", "PETO", "YUQ", "YUY")) eff(m, escalc(m, ai = ai, bi = bi, ci = ci, di = di, data = d))
for (m in c("IRR", "IRD", "IRSD")) eff(m, escalc(m, x1i = x1i, t1i = t1i, x2i = x2i, t2i = t2i, data = d))
for (m in c("MD", "SMD", "SMDH", "ROM", "CVR", "VR")) eff(m, escalc(m, m1i = m1i, sd1i = sd1i, n1i = n1i, m2i = m2i, sd2i = sd2i, n2i = n2i, data = d))
for (v in c("UB", "AV", "LS2")) eff("SMD", escalc("SMD", m1i = m1i, sd1i = sd1i, n1i = n1i, m2i = m2i, sd2i = sd2i, n2i = n2i, data = d, vtype = v), paste0("_", v))
for (v in c("UB", "AV")) eff("RD", escalc("RD", ai = ai, bi = bi, ci = ci, di = di, data = d, vtype = v), paste0("_", v))
for (m in c("MC", "SMCC", "SMCR", "ROMC")) eff(m, escalc(m, m1i = m1i, sd1i = sd1i, m2i = m2i, sd2i = sd2i, ni = ni, ri = ri, data = d))
for (m in c("PR", "PLN", "PLO", "PAS", "PFT")) eff(m, escalc(m, xi = xi, ni = ni, data = d))
for (m in c("PR", "PLN", "PLO")) eff(m, escalc(m, xi = xi, ni = ni, data = d, vtype = "AV"), "_AV")
eff("PR", escalc("PR", xi = xi, ni = ni, data = d, vtype = "UB"), "_UB")
for (m in c("IR", "IRLN", "IRS", "IRFT")) eff(m, escalc(m, xi = xi, ti = ti, data = d))
for (m in c("MN", "MNLN", "SDLN", "CVLN")) eff(m, escalc(m, mi = mi, sdi = sdi, ni = ni, data = d))
for (m in c("COR", "ZCOR")) eff(m, escalc(m, ri = ri, ni = ni, data = d))
# The thirteen BCG trials (in every textbook), log risk ratio.
b <- escalc("RR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = dat.bcg)
for (n in c("tpos", "tneg", "cpos", "cneg", "ablat", "year")) arr(paste0("bcg_", n), dat.bcg[[n]])
arr("bcg_yi", as.numeric(b$yi)); arr("bcg_vi", as.numeric(b$vi))
cat("/* estimate se ci_lb ci_ub tau2 se_tau2 I2 H2 QE QEp pi_lb pi_ub logLik AIC BIC */\n")
for (test in c("z", "knha", "adhoc")) for (m in c("FE", "DL", "HE", "HS", "SJ", "ML", "REML", "EB", "PM")) {
  r <- suppressWarnings(rma(yi, vi, data = b, method = m, test = test, control = ctl)); p <- predict(r); f <- fitstats(r)
  arr(paste0("fit_", m, "_", test), c(r$beta, r$se, r$ci.lb, r$ci.ub, r$tau2, if (m == "FE") NA else r$se.tau2, r$I2, r$H2, r$QE, r$QEp, if (m == "FE") c(NA, NA) else c(p$pi.lb, p$pi.ub), f[1, 1], f[3, 1], f[4, 1])) }
cat("/* tau2 interval: Q-profile, profile likelihood (ML) */\n")
r <- rma(yi, vi, data = b, method = "REML", control = ctl); q <- confint(r, control = list(tol = 1e-13, maxiter = 1e4))$random
arr("profile_q", q[1, 2:3])
cat("/* meta-regression on ablat and year, REML, Hartung-Knapp: beta, se, QM, QMp, tau2 */\n")
r <- rma(yi, vi, mods = ~ablat + year, data = b, test = "knha", control = ctl); arr("regression", c(r$beta, r$se, r$QM, r$QMp, r$tau2))
cat("\n#endif\n")

# Makes stat_more.h: results of base R, survival, MASS and nlme, which tests/unit/stat_models.c compares with. Data: made here, written into the header.
# Run: Rscript tests/ref/stat_more.R > tests/ref/stat_more.h
suppressMessages({library(survival); library(MASS); library(nlme)})
RNGkind("Mersenne-Twister", "Inversion", "Rejection")
set.seed(7)
num <- function(x) ifelse(is.na(x), "NONE", sprintf("%.17g", x))
emit <- function(name, x, type = "double") {
  v <- if (type == "int") format(as.integer(x), trim = TRUE) else num(as.numeric(x))
  cat(sprintf("static const %s %s[] = {%s};\n", type, name, paste(strwrap(paste(v, collapse = ", "), 150), collapse = "\n    ")))
}
cat("/* stat_more.h: made by stat_more.R; do not edit. ", R.version.string, ", survival ", as.character(packageVersion("survival")), ", MASS ", as.character(packageVersion("MASS")), ", nlme ",
    as.character(packageVersion("nlme")), ". */\n#ifndef PARACRINE_STAT_MORE_H\n#define PARACRINE_STAT_MORE_H\n\n#include <math.h>\n\n#define NONE ((double)NAN)\n\n", sep = "")

n <- 120
arm <- rep(0:2, each = 40); x <- rnorm(n, 2, 1.5); f <- sample(0:2, n, TRUE, c(.5, .3, .2)); t <- ceiling(rexp(n, .1) * 2) / 2; ev <- rbinom(n, 1, .7); cause <- ifelse(ev == 1, 1 + rbinom(n, 1, .4), 0); st <- sample(0:1, n, TRUE)
emit("mo_arm", arm, "int"); emit("mo_x", x); emit("mo_f", f, "int"); emit("mo_t", t); emit("mo_ev", ev, "int"); emit("mo_cause", cause, "int"); emit("mo_st", st, "int")
A <- factor(arm)
# Cox, stratified, with the test of proportional hazards.
a1 <- as.numeric(arm == 1); a2 <- as.numeric(arm == 2)
c1 <- coxph(Surv(t, ev) ~ a1 + a2 + x + strata(st), control = coxph.control(eps = 1e-15, toler.chol = 1e-16, iter.max = 100)); z <- cox.zph(c1)
emit("co_coef", coef(c1)); emit("co_se", sqrt(diag(vcov(c1)))); emit("co_zph", z$table[, 1])
# Competing events.
s <- summary(survfit(Surv(t, factor(cause)) ~ 1), times = c(2, 5, 10, 20)); emit("ci_p", t(s$pstate[, 2:3])); emit("ci_se", t(s$std.err[, 2:3]))
# Poisson and negative binomial with an offset; logistic restarted at its own estimates, so that the SEs belong to them.
ex <- runif(n, .5, 2); y <- rnbinom(n, size = 1.3, mu = ex * exp(.3 - .3 * (arm == 1) + .2 * x)); emit("ra_ex", ex); emit("ra_y", y)
p1 <- glm(y ~ A + x + offset(log(ex)), family = poisson, control = glm.control(epsilon = 1e-15)); p1 <- glm(y ~ A + x + offset(log(ex)), family = poisson, start = coef(p1), control = glm.control(epsilon = 1e-15))
emit("po_coef", coef(p1)); emit("po_se", sqrt(diag(vcov(p1)))); emit("po_ll", logLik(p1))
n1 <- glm.nb(y ~ A + x + offset(log(ex)), control = glm.control(epsilon = 1e-14, maxit = 200)); emit("nb_coef", coef(n1)); emit("nb_se", sqrt(diag(vcov(n1)))); emit("nb_alpha", 1 / n1$theta); emit("nb_ll", logLik(n1))
b <- rbinom(n, 1, plogis(-.3 + .8 * (arm == 2) + .4 * x)); emit("lo_y", b)
l1 <- glm(b ~ A + x, family = binomial, control = glm.control(epsilon = 1e-15)); l1 <- glm(b ~ A + x, family = binomial, start = coef(l1), control = glm.control(epsilon = 1e-15)); emit("lo_coef", coef(l1)); emit("lo_se", sqrt(diag(vcov(l1))))
# g-computation with the delta method, from its definition.
V <- vcov(l1); B <- coef(l1)
gc <- lapply(0:2, function(a) { X <- cbind(1, a == 1, a == 2, x); p <- drop(plogis(X %*% B)); list(r = mean(p), g = colMeans(p * (1 - p) * X)) })
emit("gc_rate", sapply(gc, function(g) c(g$r, sqrt(drop(g$g %*% V %*% g$g))))); emit("gc_diff", sapply(2:3, function(a) { g <- gc[[a]]$g - gc[[1]]$g; c(gc[[a]]$r - gc[[1]]$r, sqrt(drop(g %*% V %*% g))) }))
# Proportional odds.
k <- as.integer(cut(.6 * (arm == 1) + .5 * x + rlogis(n), c(-Inf, 0, 1, 2, 3, Inf))) - 1L; emit("od_y", k, "int")
o1 <- polr(factor(k) ~ A + x, Hess = TRUE, control = list(reltol = 1e-16, maxit = 1000)); emit("od_coef", c(coef(o1), o1$zeta)); emit("od_se", sqrt(diag(vcov(o1)))); emit("od_ll", logLik(o1))
# Wilcoxon with ties; the Hodges-Lehmann shift as the median of all differences, limits as ordered differences.
u <- round(rnorm(31, 1), 1); w <- round(rnorm(26), 1); wt <- suppressWarnings(wilcox.test(u, w, exact = FALSE)); emit("wi_u", u); emit("wi_w", w)
d <- sort(outer(u, w, "-")); r <- rank(c(u, w)); ties <- sum(table(r)^3 - table(r)); N <- 57; sd <- sqrt(31 * 26 / 12 * (N + 1 - ties / (N * (N - 1)))); kk <- floor(31 * 26 / 2 - qnorm(.975) * sd)
emit("wi_out", c(wt$statistic, wt$p.value, median(d), d[kk], d[31 * 26 + 1 - kk]))
# Dunnett by integrate and uniroot; noncentral t.
F <- function(c, k, df) { g <- function(c) integrate(function(z) dnorm(z) * (pnorm((c - z * sqrt(.5)) / sqrt(.5)) - pnorm((-c - z * sqrt(.5)) / sqrt(.5)))^k, -9, 9, rel.tol = 1e-13, subdivisions = 2000)$value
  if (is.infinite(df)) g(c) else integrate(function(s) sapply(s, function(x) g(c * x) * 2 * df * x * dchisq(df * x^2, df)), 0, 4, rel.tol = 1e-11, subdivisions = 2000)$value }
emit("du_q", c(uniroot(function(c) F(c, 3, Inf) - .95, c(2, 3), tol = 1e-14)$root, uniroot(function(c) F(c, 3, 20) - .95, c(2, 3), tol = 1e-13)$root))
G <- expand.grid(t = c(-1, .5, 2, 3.3), df = c(3, 17, 120), d = c(0, 1.2, 4)); emit("nc_t", G$t); emit("nc_df", G$df); emit("nc_d", G$d); emit("nc_p", pt(G$t, G$df, G$d))
# Repeated measures: nlme at its tightest, unstructured and AR(1), 30 subjects, 3 visits, some missing.
m <- expand.grid(v = 0:2, id = 0:29); m$arm <- as.integer(m$id >= 15); m$b <- rep(rnorm(30), each = 3); m$y <- round(m$b + .5 * m$arm * m$v + rnorm(90) * (1 + .3 * m$v), 3); m$y[sample(90, 14)] <- NA
emit("mm_y", m$y); q <- m[!is.na(m$y), ]; q$V <- factor(q$v)
gc0 <- glsControl(msMaxIter = 2000, maxIter = 2000, tolerance = 1e-10, msTol = 1e-14, opt = "optim", optimMethod = "BFGS")
g1 <- gls(y ~ arm * V, q, correlation = corSymm(form = ~ v + 1 | id), weights = varIdent(form = ~ 1 | V), control = gc0); emit("mm_un", c(logLik(g1), coef(g1), sqrt(diag(vcov(g1)))))
g2 <- gls(y ~ arm * V, q, correlation = corAR1(form = ~ v + 1 | id), control = gc0); emit("mm_ar1", c(logLik(g2), coef(g2), sqrt(diag(vcov(g2)))))
g3 <- gls(y ~ arm * V, q, correlation = corCompSymm(form = ~ v + 1 | id), weights = varIdent(form = ~ 1 | V), control = gc0); emit("mm_csh", c(logLik(g3), coef(g3), sqrt(diag(vcov(g3)))))
cat("\n#endif\n")

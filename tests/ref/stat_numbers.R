# Makes stat_numbers.h: data and results of base R and package survival, which tests/unit/stat_*.c compare with.
# Run: Rscript tests/ref/stat_numbers.R > tests/ref/stat_numbers.h
suppressMessages(library(survival))
RNGkind("Mersenne-Twister", "Inversion", "Rejection")
set.seed(42)
num <- function(x) ifelse(is.na(x), "NONE", ifelse(x == Inf, "HUGE_VAL", ifelse(x == -Inf, "-HUGE_VAL", sprintf("%.17g", x))))
emit <- function(name, x, type = "double") {
  v <- if (type == "int") format(as.integer(x), trim = TRUE) else num(as.numeric(x))
  cat(sprintf("static const %s %s[] = {%s};\n", type, name, paste(strwrap(paste(v, collapse = ", "), 150), collapse = "\n    ")))
}
cat("/* stat_numbers.h: made by stat_numbers.R; do not edit. ", R.version.string, ", survival ", as.character(packageVersion("survival")), ". */\n", sep = "")
cat("#ifndef PARACRINE_STAT_NUMBERS_H\n#define PARACRINE_STAT_NUMBERS_H\n\n#include <math.h>\n\n#define NONE ((double)NAN)\n\n")

# ANCOVA: 4 arms, two covariates, a three-level factor as two dummies, some missing values.
n <- 90
arm <- sample(0:3, n, TRUE); base <- rnorm(n, 50, 15); age <- rnorm(n, 62, 9); kl <- sample(2:4, n, TRUE)
y <- -5 - 2 * arm + .3 * (base - 50) + .1 * age - 2 * (kl == 4) + rnorm(n, 0, 8)
y[c(3, 40)] <- NA; base[17] <- NA
emit("an_arm", arm, "int"); emit("an_y", y)
emit("an_cov", t(cbind(base, age, kl == 3, kl == 4)))
d <- data.frame(y, arm = relevel(factor(arm), "0"), base, age, k3 = as.numeric(kl == 3), k4 = as.numeric(kl == 4))
d <- d[complete.cases(d), ]
f <- lm(y ~ arm + base + age + k3 + k4, d)
V <- vcov(f); b <- coef(f); m <- colMeans(d[, c("base", "age", "k3", "k4")])
ls <- t(sapply(0:3, function(a) { L <- c(1, as.numeric(1:3 == a), m); e <- sum(L * b); s <- sqrt(drop(t(L) %*% V %*% L)); q <- qt(.975, f$df.residual)
  c(e, s, f$df.residual, e / s, 2 * pt(-abs(e / s), f$df.residual), e - q * s, e + q * s) }))
di <- t(sapply(1:3, function(a) { e <- b[a + 1]; s <- sqrt(V[a + 1, a + 1]); q <- qt(.975, f$df.residual)
  c(e, s, f$df.residual, e / s, 2 * pt(-abs(e / s), f$df.residual), e - q * s, e + q * s) }))
emit("an_ls", t(ls)); emit("an_diff", t(di)); emit("an_count", table(d$arm), "int")
# Least squares with a dependent third column.
X <- cbind(1, base = d$base, twice = 2 * d$base + 3, age = d$age); g <- lm(d$y ~ X - 1)
emit("lm_x", t(X)); emit("lm_y", d$y); emit("lm_coef", coef(g)); emit("lm_se", sqrt(diag(vcov(g, complete = TRUE)))); emit("lm_sigma2", summary(g)$sigma^2)

# Summaries.
x <- round(rnorm(31, 10, 4), 2); z <- round(x + rnorm(31, 0, 5), 1); z[4] <- z[9]; w <- rnorm(12, 8, 9)
emit("su_x", x); emit("su_z", z); emit("su_w", w)
p <- c(0, .05, .1, .25, .5, .61, .75, .95, 1); emit("su_p", p); emit("su_q", quantile(x, p, type = 7)); emit("su_sd", sd(x))
t1 <- t.test(x); emit("su_mean", c(mean(x), t1$stderr, t1$parameter, t1$statistic, t1$p.value, t1$conf.int))
t2 <- t.test(x, w); emit("su_welch", c(mean(x) - mean(w), t2$stderr, t2$parameter, t2$statistic, t2$p.value, t2$conf.int))
emit("su_rho", cor(x, z, method = "spearman"))
tt <- c(0, .3, 1, 2.5, 6, 12, 37); df <- c(1, 2, 5, 31, 97.5, 1000, 1e5)
G <- expand.grid(t = tt, df = df); emit("di_t", G$t); emit("di_df", G$df); emit("di_tp", 2 * pt(-abs(G$t), G$df))
Q <- expand.grid(p = c(.001, .2, .5, .9, .975, .99999), df = df); emit("di_qp", Q$p); emit("di_qdf", Q$df); emit("di_tq", qt(Q$p, Q$df))
C <- expand.grid(x = c(.01, 1, 3.84, 20, 90), df = c(1, 2, 4, 30)); emit("di_cx", C$x); emit("di_cdf", C$df); emit("di_cp", pchisq(C$x, C$df, lower.tail = FALSE))

# Two proportions. Miettinen-Nurminen from its definition: the restricted likelihood is maximised numerically, unlike the closed form tested.
mn <- function(x1, n1, x2, n2, lev = .95) {
  stat <- function(D) {
    ll <- function(q) { a <- q + D; sum(ifelse(c(x1, n1 - x1, x2, n2 - x2) == 0, 0, c(x1, n1 - x1, x2, n2 - x2) * log(pmax(c(a, 1 - a, q, 1 - q), 1e-300)))) }
    score <- function(q) { a <- q + D; (if (x1) x1 / a else 0) - (if (n1 - x1) (n1 - x1) / (1 - a) else 0) + (if (x2) x2 / q else 0) - (if (n2 - x2) (n2 - x2) / (1 - q) else 0) }
    lo <- max(0, -D); hi <- min(1, 1 - D); e <- 1e-13
    q <- if (score(lo + e) <= 0) lo else if (score(hi - e) >= 0) hi else uniroot(score, c(lo + e, hi - e), tol = 1e-16)$root
    a <- q + D; v <- (a * (1 - a) / n1 + q * (1 - q) / n2) * (n1 + n2) / (n1 + n2 - 1); (x1 / n1 - x2 / n2 - D) / sqrt(v) }
  k <- qnorm(1 - (1 - lev) / 2); d <- x1 / n1 - x2 / n2
  # Roots in D of stat = +-k, by bisection that treats the ends of the scale as beyond the limit.
  root <- function(target, lo, hi) { for (i in 1:200) { m <- (lo + hi) / 2; s <- stat(m); if (is.nan(s)) s <- 0; if (s > target) lo <- m else hi <- m }; (lo + hi) / 2 }
  c(root(k, -1, d), root(-k, d, 1)) }
T <- rbind(c(9, 10, 3, 10), c(10, 10, 0, 20), c(56, 70, 48, 80), c(0, 10, 0, 20), c(10, 10, 20, 20), c(6, 7, 2, 7), c(120, 200, 80, 190), c(5, 56, 0, 29))
r <- t(apply(T, 1, function(v) { f <- fisher.test(matrix(c(v[1], v[2] - v[1], v[3], v[4] - v[3]), 2)); pq <- function(x, n) (x / n) * (1 - x / n) / n
  c(v[1] / v[2] - v[3] / v[4], sqrt(pq(v[1], v[2]) + pq(v[3], v[4])), mn(v[1], v[2], v[3], v[4]), f$p.value) }))
emit("pr_table", t(T), "int"); emit("pr_rd", t(r))
rr <- t(apply(T, 1, function(v) { if (any(c(v[1], v[2] - v[1], v[3], v[4] - v[3]) == 0)) v <- v + c(.5, 1, .5, 1)
  l <- log(v[1] / v[2] / (v[3] / v[4])); s <- sqrt(1 / v[1] - 1 / v[2] + 1 / v[3] - 1 / v[4]); c(exp(l), s, exp(l + c(-1, 1) * qnorm(.975) * s)) }))
emit("pr_rr", t(rr))
wi <- t(apply(T, 1, function(v) prop.test(v[1], v[2], correct = FALSE)$conf.int)); emit("pr_wilson", t(wi))

# Survival with ties, three groups, two strata.
n <- 80; time <- ceiling(rexp(n, .05)); ev <- rbinom(n, 1, .6); grp <- sample(0:2, n, TRUE); str <- sample(0:1, n, TRUE)
emit("sv_time", time); emit("sv_event", ev, "int"); emit("sv_group", grp, "int"); emit("sv_stratum", str, "int")
k <- survfit(Surv(time, ev) ~ 1, conf.type = "log-log")
emit("km_time", k$time); emit("km_risk", k$n.risk); emit("km_event", k$n.event); emit("km_surv", k$surv); emit("km_se", k$surv * k$std.err)
emit("km_lower", k$lower); emit("km_upper", k$upper)
q <- quantile(k, c(.25, .5, .37)); emit("km_q", t(cbind(q$quantile, q$lower, q$upper)))
l1 <- survdiff(Surv(time, ev) ~ grp); l2 <- survdiff(Surv(time, ev) ~ grp + strata(str)); l3 <- survdiff(Surv(time, ev) ~ grp, subset = grp < 2)
emit("lr", c(l1$chisq, l2$chisq, l3$chisq))
cat("\n#endif\n")

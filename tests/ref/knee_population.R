# Population means of the knee checks, from the independent implementation (knee_oracle.R), with the spreads of population.yaml.
# It is how the calibrated values were judged. Run: cd tests/ref && Rscript knee_population.R   (about a minute)
Sys.setenv(KNEE_LIB="1"); source("knee_oracle.R"); build()
Y <- 365.25; mo <- 30.4375
draw <- function(n, kls, seed=1) { set.seed(seed)
  kl <- if (length(kls) == 1) rep(kls, n) else sample(kls, n, TRUE, c(.2,.4,.3,.1)[kls])
  lapply(seq_len(n), function(i) { k <- kl[i]; p <- setp(par0, c(KL[[k]], O2=if (k > 2) .6 else .8)); z <- rnorm(8)
    p["K0"] <- min(.98, max(.15, p["K0"] + .03*z[1])); p["B0"] <- min(2, max(.15, p["B0"] + .1*z[2]))
    bmi <- min(45, max(18, 29*exp(.154*z[3] - .012))); p["L_rel"] <- min(2, max(.5, (1 + .01*(bmi - 29))*exp(.09*z[4])))
    p["v_K"] <- p["v_K"]*exp(.2*z[5]); p["q_cell"] <- p["q_cell"]*exp(.4*z[6]); p["k_off"] <- p["k_off"]*exp(.3*z[7]); p["a_N"] <- p["a_N"]*exp(.35*z[8])
    attr(p, "thr") <- rexp(1); p }) }
cols <- c("vas_pain","womac_total","mocart","bml_area","cartilage_volume","kl_grade","K","Hz")
popr <- function(pp, d, times, mod=list()) { a <- array(NA, c(length(pp), length(times), length(cols)), list(NULL, times, cols))
  for (i in seq_along(pp)) { p <- pp[[i]]; for (m in names(mod)) p[m] <- if (m == "q_cell") p[m]*mod[[m]] else mod[[m]]
    a[i,,] <- as.matrix(observe(run(p, d, times, 1e-6, 1e-8), p)[, cols]) }
  a }
pl <- function(t) ifelse(t > 0, 12*(1 - exp(-t/20))*exp(-t/720), 0); bias <- 3
ia <- function(n) arm(c(0, "ia", n)); say <- function(...) cat(sprintf(...), "\n")
mean2 <- function(a, j, v) mean(a[, j, v])
tm <- c(0, 3*mo, 6*mo, Y, 2*Y); e <- draw(400, 1:2, 11); u <- popr(e, NULL, tm); m <- popr(e, ia(5e7), tm)
say("untreated early: cartilage %.2f %%/y, pain %.1f -> %.1f (%.1f %%, sd %.1f), BML %.1f %%", mean2(u,4,7-2)-100, mean2(u,1,1), mean2(u,4,1), 100*(mean2(u,4,1)/mean2(u,1,1)-1), sd(u[,1,1]), 100*(mean2(u,4,4)/mean2(u,1,4)-1))
say("early 50 M pain difference 3/6/12/24 mo: %s; with bias at 12: %.1f", paste(round(sapply(2:5, function(j) mean2(m,j,1)-mean2(u,j,1)),1), collapse=" "), mean2(m,4,1)-mean2(u,4,1)-bias)
say("WOMAC difference 12 mo with bias %.1f", mean2(m,4,2)-mean2(u,4,2)-.96*bias)
k2 <- draw(400, 2, 12); u2 <- popr(k2, NULL, tm); m2 <- popr(k2, ia(5e7), tm)
say("KL2 50 M: MOCART %.1f (control %.1f), BML %.1f from %.1f (control %.1f)", mean2(m2,4,3), mean2(u2,4,3), mean2(m2,4,4), mean2(m2,1,4), mean2(u2,4,4))
say("dose 10/25/40/50/100 M at 12 mo: %s", paste(round(sapply(c(1e7,2.5e7,4e7,5e7,1e8), function(n) mean2(popr(e[1:150], ia(n), tm),4,1)-mean(u[1:150,4,1])),2), collapse=" "))
tl <- c(0, 6*mo, Y, 2*Y, 3*Y); l <- draw(600, 3:4, 13); ul <- popr(l, NULL, tl); ml <- popr(l, ia(1e8), tl); my <- popr(l, arm(c(0,"ia",1e8), c(Y,"ia",1e8)), tl)
tkr <- function(a) 100*mean(1 - exp(-a[,4,"Hz"]))
say("late 100 M: MOCART %.1f (control %.1f), pain difference 6/12/24/36 mo %s", mean2(ml,3,3), mean2(ul,3,3), paste(round(sapply(2:5, function(j) mean2(ml,j,1)-mean2(ul,j,1)),1), collapse=" "))
say("late knee replacement 2 y: yearly %.1f, single %.1f, untreated %.1f %%", tkr(my), tkr(ml), tkr(ul))
say("late WOMAC 6 mo change with placebo and bias %.0f %%", 100*(mean2(ml,2,2)-mean2(ml,1,2)-.96*(pl(6*mo)+bias))/mean2(ml,1,2))
f <- draw(2000, 1:2, 14); tf <- c(0, seq(Y/4, 9*Y, Y/4)); uf <- popr(f, NULL, tf); mf <- popr(f, ia(5e7), tf)
free <- function(a, ff=par0[["f_fail"]]) sapply(c(5,7,9)*Y, function(t) { j <- which.min(abs(tf - t)); 100*mean(a[,j,"cartilage_volume"]/100 >= ff & a[,j,"Hz"] < sapply(f, attr, "thr")) })
for (ff in c(.675, par0[["f_fail"]], .695)) say("failure below %.3f: free at 5/7/9 y treated %s, untreated %s", ff, paste(round(free(mf,ff),1), collapse=" "), paste(round(free(uf,ff),1), collapse=" "))
say("KL kept at 5 y: treated %.0f, untreated %.0f %%; cartilage 24 mo %.1f %%", 100*mean(mf[,1,"kl_grade"]==mf[,21,"kl_grade"]), 100*mean(uf[,1,"kl_grade"]==uf[,21,"kl_grade"]), mean2(u,5,5)-100)
td <- c(0, mo*(1:36)); e2 <- e[1:150]; dur <- function(d, b) { a <- popr(e2, d, td); g <- colMeans(a[,1,"vas_pain"] - a[,,"vas_pain"]) + pl(td) + b*(td > 0); s <- 0
  for (k in 2:length(td)) { x <- g[k-1]; y <- g[k]; s <- s + if (x >= 15 && y >= 15) 1 else if (x >= 15) (x-15)/(x-y) else if (y >= 15) (y-15)/(y-x) else 0 }; s }
dm <- dur(ia(5e7), bias); dh <- dur(arm(c(0,"V_HA",1)), 0); say("months of relief: cells %.1f, hyaluronic acid %.1f, ratio %.2f, saline %.1f", dm, dh, dm/dh, dur(NULL, 0))
q <- draw(480, 2:4, 15); t1 <- c(0, Y); cs <- popr(q, arm(c(0,"C_s",1)), t1)
arms <- list(bmac=list(ia(1e5), list(a=0)), svf=list(ia(4e6), list(a=0)), uc=list(ia(2e7), list(a=.5, q_cell=1.2)))
sdv <- 28*sqrt(1 - .55)
for (n in names(arms)) { a <- popr(q, arms[[n]][[1]], t1, arms[[n]][[2]])
  ns <- replicate(200, { o <- sample(480, 240); g <- rep(1:0, each=120); b <- c(a[o[1:120],1,1], cs[o[121:240],1,1]) + rnorm(240, 0, sdv); y <- c(a[o[1:120],2,1], cs[o[121:240],2,1]) + rnorm(240, 0, sdv)
    r <- summary(lm(I(y-b) ~ g + b))$coefficients; !(r["g",4] < .05 && r["g",1] < 0) })
  say("MILES-like %s: difference to corticosteroid %.1f, not better in %.0f %% of 200 trials", n, mean2(a,2,1)-mean2(cs,2,1), 100*mean(ns)) }

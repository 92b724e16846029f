# Independent implementation of the knee model (R deSolve, lsoda), written from the equations of the dossier and corrections,
# not from models/**.ant. It made tests/ref/knee_oracle.csv and the calibrated values in the ledgers.
# Run:  cd tests/ref && Rscript knee_oracle.R          writes knee_oracle.csv (a few seconds)
# Needs r-cran-desolve and gcc. The right-hand side is knee_oracle.c, compiled in a temporary folder.
# knee_oracle.csv: typical patient of the grade (L_rel 1, potency 1), states and observables; values at day 0 are those after the
# doses of day 0. MSC are allogeneic (a = 1, adipose); IV and IM too. O2 is 0.8 in KL 1-2 and 0.6 in KL 3-4.
# With KNEE_LIB=1 in the environment the file only defines its functions (for fits and population runs).
suppressMessages(library(deSolve))

ln2 <- log(2)
par0 <- c(
  # cells
  k_rel=.1, k_dLu=ln2/.42-.1, k_BH=10, k_BT=.05, k_dB=1, k_dH=ln2/.42, k_dW=2, e_h=.5, CXCR4=1,
  f_s=.24, th_f=3, th_s=45, k_leak=0, c_I=.1, c_O=.5, O2=.8, O2_ref=.8,
  th_f_dep=3, th_s_dep=35, f_s_dep=.5, a=1, k_imm_loc=.02, k_imm_dep=.05, k_imm_sys=.05, t_prim=10, m_re=1, t_first=0,
  f_lu=.9, l_IBMIR=.2, l_inj=0,
  # signal, memory
  k_lic=1, q_cell=1, s_lam=3, s_hyp=.5, EC50_loc=1e7, EC50_dep=1e7, EC50_sys=2e7, N_h_loc=5e7, N_h_dep=3e7, N_h_sys=1.5e8,
  ceil_loc=0, ceil_dep=0, ceil_sys=1, w_dep=.3, w_sys=.35, eq_E=1e7, k_Ep=66.5, k_Et=ln2/.75, p_E=.05,
  k_on=.1, k_off=log(3)/112, kappa=5e-8, S_max=.6,
  # immune
  kM=.2, kT=.25, kc=2, c12=.1, aD=3, bD=1, p10=.3, pG=.2, pS=1.2, rS=.6, eS=.25,
  # knee
  g=1, K0=.80, P0=.68, B0=.6175, L_kl=1, L_rel=1, MOCART_0=52.9, k_M=.1, e_M=.3, k_P=.004, s_P=.5, v_P=.0014, k_K=2e-5, s_K=4,
  v_K=2.9e-4, k_B=.004, c_B=.3, s_B=3.2, k_N=.02, k_R=.0198, d_R=3e-4, d_0=.1, d_P=.25, p_D=.6,
  w_N6=.25, w_NB=.2, n_c=.25, a_N=.76, a_I=.03, a_K=.4, m_R=60, h_0=1.0e-8, h_v=4, h_K=14, f_fail=.685,
  th_HA=100, c_HA=.5, th_Pr=10, e_Pr=.6, th_C=14, c_C=.3, e_CI=.3, e_CN=.36, r_CN=4, x_C=.6, th_n=45, e_n=.67, hold=0)
# start values of the grades
KL <- list(`1`=c(K0=.92, P0=.72, B0=.45, L_kl=.9, MOCART_0=57.5), `2`=c(K0=.80, P0=.68, B0=.6175, L_kl=1, MOCART_0=52.9),
           `3`=c(K0=.57, P0=.62, B0=1.0, L_kl=1.3, MOCART_0=47.5), `4`=c(K0=.38, P0=.58, B0=1.35, L_kl=1.5, MOCART_0=43.5))
state <- c("fate.Lu","fate.B","fate.H","fate.T_f","fate.T_s","fate.D_f","fate.D_s","fate.W","fate.X","fate.N_dose",
  "secretome.lam","secretome.E_p","secretome.E_t","memory.Q","immune.M1","immune.M2","immune.T1","immune.T17","immune.Tr",
  "immune.TNF","immune.I1","immune.I6","immune.I10","immune.G","MM","P","K","B","N","R","V_HA","Pr","C_s","A_n","Hz")

build <- function() {
  dir <- tempfile("knee"); dir.create(dir)
  writeLines(c(sprintf("#define q_%s p[%d]", names(par0), seq_along(par0) - 1), sprintf("#define NPAR %d", length(par0))), file.path(dir, "knee_par.h"))
  file.copy("knee_oracle.c", dir)
  so <- file.path(dir, "knee.so")
  stopifnot(system(sprintf("gcc -O2 -ffp-contract=off -shared -fPIC -o %s %s -lm", so, file.path(dir, "knee_oracle.c"))) == 0)
  dyn.load(so)
}
solve_knee <- function(y, times, p, rtol=1e-11, atol=1e-13) {
  at <- rep(atol, length(state)); at[1:9] <- atol*1e8       # cells are counted in 1e8
  lsoda(y, times, "knee", p, rtol=rtol, atol=at, dllname="knee", initfunc="initknee", nout=5, maxsteps=1e6)
}
# fast states at their steady state with the slow ones held, then day 0
start <- function(p, rtol=1e-11, atol=1e-13) {
  y <- setNames(numeric(length(state)), state)
  y[15:25] <- 1
  y["P"] <- p["P0"]; y["K"] <- p["K0"]; y["B"] <- p["B0"]; y["N"] <- .25
  if (p["g"] == 0) { y["P"] <- 1; y["K"] <- 1; y["B"] <- 0 }
  p["hold"] <- hold_level
  o <- solve_knee(y, c(0, 3650), p, rtol, atol)
  o[2, 1 + seq_along(state)]
}
hold_level <- 2     # 2: aggrecan P held at P0 too (the shipped run-in); 1: P runs in
dose <- function(y, p, what, n) {
  if (what == "ia") {            # crowding: what is above it dies at the injection
    e <- n*(1 - p["l_inj"])/(1 + (n/p["N_h_loc"])^2)
    y["fate.T_f"] <- y["fate.T_f"] + (1 - p["f_s"])*e; y["fate.T_s"] <- y["fate.T_s"] + p["f_s"]*e; y["fate.N_dose"] <- y["fate.N_dose"] + 1
  } else if (what == "im") {
    e <- n/(1 + (n/p["N_h_dep"])^2)
    y["fate.D_f"] <- y["fate.D_f"] + (1 - p["f_s_dep"])*e; y["fate.D_s"] <- y["fate.D_s"] + p["f_s_dep"]*e; y["fate.N_dose"] <- y["fate.N_dose"] + 1
  } else if (what == "iv") {
    e <- n*(1 - p["l_IBMIR"])
    y["fate.Lu"] <- y["fate.Lu"] + p["f_lu"]*e; y["fate.B"] <- y["fate.B"] + (1 - p["f_lu"])*e
    y["fate.W"] <- y["fate.W"] + p["l_IBMIR"]*n; y["fate.N_dose"] <- y["fate.N_dose"] + 1
  } else y[what] <- y[what] + n
  y
}
# doses: data frame time, what, n. Values at a dose time are those before the dose, except that day 0 doses act at once.
run <- function(p, doses=NULL, times, rtol=1e-11, atol=1e-13, y0=NULL) {
  y <- if (is.null(y0)) start(p, rtol, atol) else y0
  out <- NULL; t0 <- 0
  if (is.null(doses)) doses <- data.frame(time=numeric(0), what=character(0), n=numeric(0))
  for (td in sort(unique(c(doses$time, Inf)))) {
    tt <- sort(unique(c(t0, times[times >= t0 & times <= td], if (is.finite(td)) td)))
    if (length(tt) > 1) {
      o <- solve_knee(y, tt, p, rtol, atol)
      out <- rbind(out, o[o[, 1] %in% times & o[, 1] >= t0, , drop=FALSE])
      y <- o[nrow(o), 1 + seq_along(state)]
    } else if (length(tt) == 1 && !is.finite(td) && t0 %in% times) NULL
    if (is.finite(td)) { for (i in which(doses$time == td)) y <- dose(y, p, doses$what[i], doses$n[i]); t0 <- td }
  }
  # at a dose time keep the value after the dose
  out[!duplicated(out[, 1], fromLast=TRUE), , drop=FALSE]
}
observe <- function(o, p) {
  o <- as.data.frame(o); names(o)[2:(1 + length(state))] <- state; names(o)[(ncol(o) - 4):ncol(o)] <- c("s","S","pain","I","T")
  o$vas_pain <- 100*o$pain
  o$womac_total <- 96*(.85*o$pain + .15*(1 - o$K))
  o$koos_pain <- 100*(1 - .95*o$pain)
  o$mocart <- pmin(100, p[["MOCART_0"]] + p[["m_R"]]*o$R)
  o$kl_grade <- ifelse(o$K > .85, 1, ifelse(o$K > .7, 2, ifelse(o$K > .45, 3, 4)))
  o$bml_area <- 200*o$B
  o$cartilage_volume <- 100*o$K/p[["K0"]]
  o
}
arm <- function(...) { x <- list(...); do.call(rbind, lapply(x, function(v) data.frame(time=as.numeric(v[1]), what=v[2], n=as.numeric(v[3])))) }
setp <- function(p, v) { p[names(v)] <- v; p }
if (Sys.getenv("KNEE_LIB") == "") {
  build()
  grade <- function(k) setp(par0, c(KL[[k]], O2=if (k > 2) .6 else .8))
  scenarios <- list(
    untreated_kl2       = list(2, NULL, NULL),
    msc_50m_kl2         = list(2, arm(c(0, "ia", 5e7)), NULL),
    msc_100m_kl3        = list(3, arm(c(0, "ia", 1e8)), NULL),
    hyaluronic_acid_kl2 = list(2, arm(c(0, "V_HA", 1)), NULL),
    prp_x3_kl2          = list(2, arm(c(0, "Pr", 1), c(7, "Pr", 1), c(14, "Pr", 1)), NULL),
    corticosteroid_kl2  = list(2, arm(c(0, "C_s", 1)), NULL),
    iv_1e8_kl2          = list(2, arm(c(0, "iv", 1e8)), NULL),
    im_3e7_kl2          = list(2, arm(c(0, "im", 3e7)), NULL))
  times <- c(0, 30, 91, 182, 365, 730)
  obs <- c("vas_pain","womac_total","koos_pain","mocart","kl_grade","bml_area","cartilage_volume")
  lines <- "scenario,time_d,name,value"
  for (s in names(scenarios)) {
    p <- setp(grade(scenarios[[s]][[1]]), scenarios[[s]][[3]])
    o <- observe(run(p, scenarios[[s]][[2]], times), p)
    o$signal <- o$S; o$cells_at_site <- o$T
    for (i in seq_along(times)) for (n in c(state, obs, "signal", "cells_at_site"))
      lines <- c(lines, sprintf("%s,%g,%s,%.10g", s, times[i], n, o[[n]][i]))
  }
  writeLines(lines, "knee_oracle.csv")
  # a healthy knee stays where it is
  p <- setp(grade(2), c(g=0)); y <- start(p); o <- run(p, NULL, c(0, 3652.5))
  cat("healthy knee, 10 years, largest drift:", max(abs(o[2, 1 + seq_along(state)] - o[1, 1 + seq_along(state)])), "\n")
}

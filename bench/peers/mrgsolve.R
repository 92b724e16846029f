# mrgsolve on a benchmark model, where it is installed: Rscript bench/peers/mrgsolve.R build/peers/joint.h build/peers/joint.bin
# (bench writes both files when R is there). The right-hand side is the one CVODE and deSolve get; the start holds the first doses.
if (!requireNamespace("mrgsolve", quietly = TRUE)) { cat("mrgsolve: not at hand\n"); quit(status = 0) }
a <- commandArgs(TRUE)
f <- file(a[2], "rb")
head <- readBin(f, "integer", 5)
n <- head[1]; ns <- head[2]; nq <- head[3]; nd <- head[5]
time <- readBin(f, "double", head[4]); scale <- readBin(f, "double", ns)
people <- lapply(seq_len(n), function(i) list(y = readBin(f, "double", ns), q = readBin(f, "double", nq), d = matrix(readBin(f, "double", 3 * nd), nrow = 3)))
close(f)
s <- seq_len(ns)
code <- paste0("$PARAM ", paste0("q", seq_len(nq), " = 0", collapse = ", "), "\n$INIT ", paste0("s", s, " = 0", collapse = ", "),
  "\n$GLOBAL\n#include \"", normalizePath(a[1]), "\"\n$ODE\ndouble y_[", ns, "], q_[", nq, "], f_[", ns, "];\n",
  paste0("y_[", s - 1, "] = s", s, ";", collapse = "\n"), "\n", paste0("q_[", seq_len(nq) - 1, "] = q", seq_len(nq), ";", collapse = "\n"),
  "\nmodel_rate(SOLVERTIME, y_, q_, f_);\n", paste0("dxdt_s", s, " = f_[", s - 1, "];", collapse = "\n"), "\n")
m <- mrgsolve::mcode("bench", gsub("restrict", "__restrict", code, fixed = TRUE))
for (rtol in 10^-(4:8)) {
  used <- replicate(7, {
    begin <- proc.time()
    for (p in people) {
      mm <- mrgsolve::init(mrgsolve::param(m, as.list(setNames(p$q, paste0("q", seq_len(nq))))), as.list(setNames(p$y, paste0("s", s))))
      d <- p$d[, p$d[1, ] > 0, drop = FALSE]
      e <- if (ncol(d)) mrgsolve::as.ev(data.frame(time = d[2, ], amt = d[3, ], cmt = d[1, ], evid = 1)) else mrgsolve::ev()
      mrgsolve::mrgsim(mm, events = e, tgrid = time, rtol = rtol, atol = 1e-2 * rtol * min(scale), maxsteps = 1e6)
    }
    sum((proc.time() - begin)[1:2])
  })
  cat(sprintf("mrgsolve, rtol %.0e: %.4f ms per patient\n", rtol, 1e3 * median(used) / n))
}

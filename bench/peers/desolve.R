# deSolve lsoda with a compiled right-hand side on the patients of a benchmark. Reads the patients once, then a tolerance per
# line from standard input; writes the solution to a file and the seconds of CPU time to standard output.
a <- commandArgs(TRUE) # shared object, data file, output file, "analytic" or "internal"
suppressPackageStartupMessages(library(deSolve))
dyn.load(a[1])
DLL <- sub("[.]so$", "", basename(a[1]))
input <- file("stdin", "r")
f <- file(a[2], "rb")
head <- readBin(f, "integer", 5)
names(head) <- c("n", "state", "term", "time", "dose")
n <- head["n"]; ns <- head["state"]
time <- readBin(f, "double", head["time"])
scale <- readBin(f, "double", ns)
people <- lapply(seq_len(n), function(i) {
  y <- readBin(f, "double", ns); names(y) <- paste0("s", seq_len(ns))
  q <- readBin(f, "double", head["term"])
  d <- matrix(readBin(f, "double", 3 * head["dose"]), nrow = 3) # state, time, amount; state 0 = none
  d <- d[, d[1, ] > 0, drop = FALSE]
  e <- NULL
  if (ncol(d)) e <- list(data = data.frame(var = paste0("s", d[1, ]), time = d[2, ], value = d[3, ], method = "add"))
  t <- sort(unique(c(time, d[2, ])))
  list(y = y, q = q, e = e, t = t, keep = match(time, t))
})
close(f)
full <- a[4] == "analytic"
repeat {
  line <- readLines(input, 1)
  if (!length(line)) break
  rtol <- as.numeric(line)
  res <- vector("list", n)
  begin <- .C("peer_clock", 0, PACKAGE = DLL)[[1]]
  for (i in seq_len(n)) {
    p <- people[[i]]
    res[[i]] <- lsoda(p$y, p$t, "peer_rate", p$q, rtol = rtol, atol = 1e-2 * rtol * scale, dllname = DLL, initfunc = "peer_init",
                      jacfunc = if (full) "peer_jacobian" else NULL, jactype = if (full) "fullusr" else "fullint", events = p$e, maxsteps = 1e6)
  }
  used <- .C("peer_clock", 0, PACKAGE = DLL)[[1]] - begin
  g <- file(a[3], "wb")
  for (i in seq_len(n)) writeBin(as.vector(t(res[[i]][people[[i]]$keep, -1])), g)
  close(g)
  cat(sprintf("%.9f\n", used))
  flush(stdout())
}

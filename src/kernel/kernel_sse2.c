/* kernel_sse2.c: the kernels for every x86-64 processor; compiled with the flags of that level. */
#define KERNEL_BYTES 16
#define KERNEL_NAME "x86-64"
#define KERNEL_SYMBOL prc_kernel_sse2
#include "kernel_impl.h"

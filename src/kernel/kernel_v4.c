/* kernel_v4.c: the kernels for x86-64-v4; compiled with the flags of that level. */
#define KERNEL_BYTES 64
#define KERNEL_NAME "v4"
#define KERNEL_SYMBOL prc_kernel_v4
#include "kernel_impl.h"

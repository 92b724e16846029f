/* kernel_v3.c: the kernels for x86-64-v3; compiled with the flags of that level. */
#define KERNEL_BYTES 32
#define KERNEL_NAME "v3"
#define KERNEL_SYMBOL prc_kernel_v3
#include "kernel_impl.h"

/* kernel_int.h: the kernels of each processor level, for kernel_select.c. */
#ifndef PRC_KERNEL_INT_H
#define PRC_KERNEL_INT_H

#include "paracrine/kernel.h"

extern const prc_kernel prc_kernel_sse2;
extern const prc_kernel prc_kernel_v3;
extern const prc_kernel prc_kernel_v4;

#endif

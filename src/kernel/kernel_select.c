/* kernel_select.c: which processor level's kernels to use. */
#include "kernel_int.h"

#include <stdlib.h>
#include <string.h>

/* Features are asked for one by one: clang 14 does not know the name of a whole level. */
static int have_v3(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
           __builtin_cpu_supports("bmi2");
}

static int have_v4(void)
{
    return have_v3() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
}

const prc_kernel *prc_kernel_named(const char *name)
{
    if (name == NULL) return NULL;
    if (strcmp(name, prc_kernel_v4.name) == 0) return have_v4() ? &prc_kernel_v4 : NULL;
    if (strcmp(name, prc_kernel_v3.name) == 0) return have_v3() ? &prc_kernel_v3 : NULL;
    return strcmp(name, prc_kernel_sse2.name) == 0 ? &prc_kernel_sse2 : NULL;
}

const prc_kernel *prc_kernel_best(void)
{
    const prc_kernel *forced = prc_kernel_named(getenv("PRC_ISA"));
    if (forced != NULL) return forced;
    return have_v4() ? &prc_kernel_v4 : have_v3() ? &prc_kernel_v3 : &prc_kernel_sse2;
}

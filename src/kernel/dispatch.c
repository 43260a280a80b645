/*
 * dispatch.c
 *	  Which instruction sets the CPU has, and the table of the current one.
 */
#include "kernel/kernel_isa.h"

#ifdef VDB_KERNEL_X86
#include <cpuid.h>
#endif

VdbKernels	vdb_kernel;

#ifdef VDB_KERNEL_X86

/* F16C is asked of the CPU itself: older compilers do not know its name. */
static bool
has_f16c(void)
{
	unsigned	eax,
				ebx,
				ecx,
				edx;

	return __get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx & bit_F16C) != 0;
}

/* __builtin_cpu_supports also asks whether the system saves the registers. */
static bool
has_avx2(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
		__builtin_cpu_supports("popcnt") && has_f16c();
}

static bool
has_avx512(void)
{
	return has_avx2() && __builtin_cpu_supports("avx512f") &&
		__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
		__builtin_cpu_supports("avx512vl");
}

static bool
has_avx512vnni(void)
{
	return has_avx512() && __builtin_cpu_supports("avx512vnni");
}

static bool
has_avx512vpopcnt(void)
{
	return has_avx512vnni() && __builtin_cpu_supports("avx512vpopcntdq");
}
#endif

static bool
always(void)
{
	return true;
}

static void
put_scalar(VdbKernels *kernels)
{
	*kernels = vdb_kernel_scalar;
	kernels->gemm = vdb_gemm_scalar;
}

/* Each set is put over those before it, which it therefore must include. */
static const struct
{
	const char *name;
	bool		(*supported) (void);
	void		(*put) (VdbKernels *kernels);
}			isas[] = {
	{"scalar", always, put_scalar},
#if defined(VDB_KERNEL_X86)
	{"avx2", has_avx2, vdb_kernel_put_avx2},
	{"avx512", has_avx512, vdb_kernel_put_avx512},
	{"avx512vnni", has_avx512vnni, vdb_kernel_put_avx512vnni},
	{"avx512vpopcnt", has_avx512vpopcnt, vdb_kernel_put_avx512vpopcnt},
#elif defined(VDB_KERNEL_NEON)
	{"neon", always, vdb_kernel_put_neon},
#endif
};

#define NISA ((int) (sizeof(isas) / sizeof(isas[0])))

const char *
vdb_kernel_name(int isa)
{
	return isa >= 0 && isa < NISA ? isas[isa].name : NULL;
}

bool
vdb_kernel_supported(int isa)
{
	return isa >= 0 && isa < NISA && isas[isa].supported();
}

int
vdb_kernel_best(void)
{
	int			isa = NISA - 1;

	while (!isas[isa].supported())
		isa--;
	return isa;
}

bool
vdb_kernel_get(int isa, VdbKernels *kernels)
{
	if (!vdb_kernel_supported(isa))
		return false;
	for (int i = 0; i <= isa; i++)
		isas[i].put(kernels);
	kernels->name = isas[isa].name;
	return true;
}

bool
vdb_kernel_select(int isa)
{
	return vdb_kernel_get(isa, &vdb_kernel);
}

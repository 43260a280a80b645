/*
 * input.c
 *	  What libFuzzer calls, and reading the inputs that it gives.
 *
 * A program has several targets; the name it is called by says which one is
 * meant: fuzz-text, fuzz-binary, ...  README.md has the list.
 */
#include "input.h"

#include "kernel/kernel.h"

#undef fprintf

#define MAX_KERNELS 8

static const Target *target;
static VdbKernels kernels[MAX_KERNELS];
int			fuzz_nkernels;

void
take(Input *in, void *to, size_t n)
{
	size_t		have = Min(n, in->left);

	memset(to, 0, n);
	if (have > 0)
		memcpy(to, in->p, have);
	in->p += have;
	in->left -= have;
}

uint8_t
take_byte(Input *in)
{
	uint8_t		byte;

	take(in, &byte, 1);
	return byte;
}

int32
take_int32(Input *in)
{
	int32		value;

	take(in, &value, sizeof(value));
	return value;
}

static void
find_kernels(void)
{
	fuzz_nkernels = vdb_kernel_best() + 1;
	CHECK(fuzz_nkernels <= MAX_KERNELS);
	for (int number = 0; number < fuzz_nkernels; number++)
		CHECK(vdb_kernel_get(number, &kernels[number]));
}

void
fuzz_take_kernel(int number)
{
	vdb_kernel = kernels[number];
}

/* Memory is freed by fuzz_reset(), and need not be kept from use for long. */
extern const char *__asan_default_options(void);
const char *
__asan_default_options(void)
{
	return "detect_leaks=0:quarantine_size_mb=16:malloc_context_size=10";
}

extern int	LLVMFuzzerInitialize(int *argc, char ***argv);
extern int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *dash = strrchr((*argv)[0], '-');

	for (target = fuzz_targets; target->name != NULL; target++)
		if (dash != NULL && strcmp(dash + 1, target->name) == 0)
			break;
	if (target->name == NULL)
	{
		fprintf(stderr, "%s: no target of that name\n", (*argv)[0]);
		exit(2);
	}
	find_kernels();
	fuzz_take_kernel(fuzz_nkernels - 1);
	if (target->prepare != NULL)
		target->prepare();
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_take_kernel(fuzz_nkernels - 1);
	target->run((Input) {data, size});
	fuzz_reset();
	return 0;
}

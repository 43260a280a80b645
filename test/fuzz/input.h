/*
 * input.h
 *	  What libFuzzer gives, and the targets that it is given to.
 */
#ifndef VDB_FUZZ_INPUT_H
#define VDB_FUZZ_INPUT_H

#include "backend.h"

typedef struct Input
{
	const uint8_t *p;
	size_t		left;
} Input;

/* The next n bytes; zeroes after the end. */
extern void take(Input *in, void *to, size_t n);
extern uint8_t take_byte(Input *in);
extern int32 take_int32(Input *in);

/*
 * Takes an instruction set of the CPU, by its number from 0 (scalar) on.  That is
 * less than to select one, which asks the CPU: in a virtual machine longer than
 * most inputs take.
 */
extern int	fuzz_nkernels;
extern void fuzz_take_kernel(int number);

/* What a program can be asked to fuzz; the last one has no name. */
typedef struct Target
{
	const char *name;
	void		(*run) (Input in);
	void		(*prepare) (void);	/* once, or NULL */
} Target;

extern const Target fuzz_targets[];

#endif							/* VDB_FUZZ_INPUT_H */

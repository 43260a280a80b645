/*
 * number.h
 *	  Decimal text to float, correctly rounded and fast.
 */
#ifndef VDB_TYPES_NUMBER_H
#define VDB_TYPES_NUMBER_H

/*
 * Reads a number at p, in the syntax of strtof(), leading white space
 * excepted.  The text ends with a zero byte at end, and may be read up to it.
 *
 * Returns where the number ends, its value in *result.  NULL with *error, one
 * of VDB_PARSE_*, where there is no number or it is not finite.
 */
extern const char *vdb_type_parse_float(const char *p, const char *end,
										float *result, int *error);

#endif							/* VDB_TYPES_NUMBER_H */

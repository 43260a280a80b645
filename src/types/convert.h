/*
 * convert.h
 *	  What the casts of dense and sparse vectors share.
 */
#ifndef VDB_TYPES_CONVERT_H
#define VDB_TYPES_CONVERT_H

#include "utils/array.h"

/*
 * The elements of a one-dimensional array of numbers as finite floats, their
 * number in *dim, which is checked against typmod and max_dim.  Raises the
 * errors that users see, naming type_name.
 */
extern float *vdb_type_array_to_floats(const char *type_name, ArrayType *array,
									   int32 typmod, int max_dim, int *dim);

#endif							/* VDB_TYPES_CONVERT_H */

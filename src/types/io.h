/*
 * io.h
 *	  What the text input of dense and sparse vectors shares.
 */
#ifndef VDB_TYPES_IO_H
#define VDB_TYPES_IO_H

/* White space as PostgreSQL's array input understands it, in any locale. */
static inline const char *
vdb_type_skip_space(const char *p)
{
	while (*p == ' ' || (*p >= '\t' && *p <= '\r'))
		p++;
	return p;
}

/* Reports text that is not a vector; the detail is a whole sentence. */
extern void vdb_type_syntax_error(const char *type_name, const char *input,
								  const char *detail, struct Node *escontext);

/*
 * Reports the number at "at", element position (from 1) of the text, with
 * what the parser said of it.
 */
extern void vdb_type_number_error(const char *type_name, const char *input,
								  const char *at, int position, int error,
								  struct Node *escontext);

/*
 * Reports what follows the number of element position, which is at "at" and
 * ends at "end": neither a comma nor the closing bracket.
 */
extern void vdb_type_junk_error(const char *type_name, const char *input,
								const char *at, const char *end, char closing,
								int position, struct Node *escontext);

#endif							/* VDB_TYPES_IO_H */

/*
 * bits.h
 *	  A bit for each node, or page: for vacuum and checks.
 */
#ifndef VDB_HNSW_BITS_H
#define VDB_HNSW_BITS_H

#include "port/pg_bitutils.h"

/* Begins as zeroes, and grows in the memory context of its first bit. */
typedef struct VdbHnswBits
{
	MemoryContext context;
	uint64	   *words;
	uint64		nwords;
} VdbHnswBits;

/* What is beyond all bits that were set. */
#define VDB_HNSW_NO_BIT PG_UINT32_MAX

static inline bool
vdb_hnsw_bit(const VdbHnswBits *bits, uint32 n)
{
	return n / 64 < bits->nwords && (bits->words[n / 64] >> n % 64 & 1) != 0;
}

/* Makes room for the bits up to one. */
static inline void
vdb_hnsw_bits_reach(VdbHnswBits *bits, uint32 n)
{
	uint64		nwords = Max(n / 64 + 1, 2 * bits->nwords);

	if (n / 64 < bits->nwords)
		return;
	if (bits->words == NULL)
	{
		bits->context = CurrentMemoryContext;
		bits->words = MemoryContextAllocExtended(bits->context, nwords * sizeof(uint64),
												 MCXT_ALLOC_HUGE);
	}
	else
		bits->words = repalloc_huge(bits->words, nwords * sizeof(uint64));
	memset(bits->words + bits->nwords, 0, (nwords - bits->nwords) * sizeof(uint64));
	bits->nwords = nwords;
}

/* Sets a bit; false if it was set before. */
static inline bool
vdb_hnsw_bit_set(VdbHnswBits *bits, uint32 n)
{
	vdb_hnsw_bits_reach(bits, n);
	if (vdb_hnsw_bit(bits, n))
		return false;
	bits->words[n / 64] |= (uint64) 1 << n % 64;
	return true;
}

/* Clears a bit; false if it was not set. */
static inline bool
vdb_hnsw_bit_clear(VdbHnswBits *bits, uint32 n)
{
	if (!vdb_hnsw_bit(bits, n))
		return false;
	bits->words[n / 64] &= ~((uint64) 1 << n % 64);
	return true;
}

static inline void
vdb_hnsw_bits_free(VdbHnswBits *bits)
{
	if (bits->words != NULL)
		pfree(bits->words);
	memset(bits, 0, sizeof(*bits));
}

/* The first bit from n on that is set, or VDB_HNSW_NO_BIT. */
static inline uint32
vdb_hnsw_bits_next(const VdbHnswBits *bits, uint32 n)
{
	uint64		i = n / 64;
	uint64		word;

	if (i >= bits->nwords)
		return VDB_HNSW_NO_BIT;
	word = bits->words[i] & (PG_UINT64_MAX << n % 64);
	while (word == 0)
	{
		if (++i >= bits->nwords)
			return VDB_HNSW_NO_BIT;
		word = bits->words[i];
	}
	return (uint32) (i * 64 + pg_rightmost_one_pos64(word));
}

#endif							/* VDB_HNSW_BITS_H */

/*
 * lanes.h
 *	  Where the 4-bit codes of a vector are in a block of 32; the order is
 *	  kernel.h's.
 */
#ifndef VDB_QUANT_LANES_H
#define VDB_QUANT_LANES_H

#include "kernel/kernel.h"

/* The byte in each VDB_TABLE, and the shift in it. */
static inline int
vdb_quant_lane_byte(int lane)
{
	return lane % 8 * 2 + lane / 8 % 2;
}

static inline int
vdb_quant_lane_shift(int lane)
{
	return lane / 16 * 4;
}

static inline void
vdb_quant_put_code(uint8_t *codes, size_t table, int lane, unsigned code)
{
	uint8_t    *byte = codes + table * VDB_TABLE + vdb_quant_lane_byte(lane);
	int			shift = vdb_quant_lane_shift(lane);

	*byte = (uint8_t) ((*byte & ~(15 << shift)) | code << shift);
}

static inline unsigned
vdb_quant_get_code(const uint8_t *codes, size_t table, int lane)
{
	return codes[table * VDB_TABLE + vdb_quant_lane_byte(lane)] >> vdb_quant_lane_shift(lane) & 15;
}

#endif							/* VDB_QUANT_LANES_H */

/*
 * encode_body.h
 *	  Codes of residuals, for one instruction set.
 *
 * Included once for each, with BODY(name), the name of a function here, defined
 * by the including file (and undefined at the end of this one).
 *
 * Plain loops of known length, of which the compiler makes vectors of that set.
 * All products are exact in double, fused or not, and sums are made in the same
 * lanes: so the results are the same bits.
 */

#define LANES VDB_ENCODE_LANES

static void
BODY(encode_bytes) (const float *residual, const float *centre, size_t runs, float scale,
					uint8_t *codes, VdbEncodeSums *sums)
{
	VdbEncodeSums s = *sums;

	for (; runs > 0; runs--, residual += VDB_ENCODE_RUN, centre += VDB_ENCODE_RUN,
		 codes += VDB_ENCODE_RUN)
	{
		float		y[VDB_ENCODE_RUN];
		int32_t		code[VDB_ENCODE_RUN];

		/* Signs are as good as random, so nothing branches on them. */
		for (int k = 0; k < VDB_ENCODE_RUN; k++)
		{
			int			positive = residual[k] > 0;
			int			over = (int) (fabsf(residual[k]) * scale) - 127;
			int			magnitude = 127 + (over & over >> 31);

			code[k] = 127 - magnitude + positive * (2 * magnitude + 1);
			y[k] = ((float) magnitude + 0.5f) * (float) (2 * positive - 1);
		}
		for (int k = 0; k < VDB_ENCODE_RUN; k++)
			codes[k] = (uint8_t) code[k];
		for (int k = 0; k < VDB_ENCODE_RUN; k += LANES)
			for (int l = 0; l < LANES; l++)
			{
				double		dr = residual[k + l],
							dy = y[k + l];

				s.rr[l] += dr * dr;
				s.ry[l] += dr * dy;
				s.yy[l] += dy * dy;
				s.cy[l] += centre[k + l] * dy;
			}
	}
	*sums = s;
}

static void
BODY(encode_bits) (const float *residual, const float *centre, size_t runs, uint8_t *bits,
				   VdbEncodeSums *sums)
{
	VdbEncodeSums s = *sums;

	for (; runs > 0; runs--, residual += VDB_ENCODE_RUN, centre += VDB_ENCODE_RUN)
	{
		unsigned	run = 0;
		float		sign[VDB_ENCODE_RUN];

		for (int k = 0; k < VDB_ENCODE_RUN; k++)
			sign[k] = (float) (2 * (residual[k] > 0) - 1);
		for (int k = 0; k < VDB_ENCODE_RUN; k++)
			run |= (unsigned) (residual[k] > 0) << k;
		for (int k = 0; k < VDB_ENCODE_RUN; k += LANES)
			for (int l = 0; l < LANES; l++)
			{
				double		dr = residual[k + l];

				s.rr[l] += dr * dr;
				s.ry[l] += fabs(dr);
				s.cy[l] += (double) (centre[k + l] * sign[k + l]);
			}
		*bits++ = (uint8_t) run;
		*bits++ = (uint8_t) (run >> 8);
	}
	*sums = s;
}

#undef LANES
#undef BODY

/*
 * index.c
 *	  An index as its metapage describes it: where things are on its pages, and
 *	  the space of its vectors.
 */
#include "postgres.h"

#include <math.h>

#include "common/pg_prng.h"
#include "utils/memutils.h"

#include "am/common/options.h"
#include "am/hnsw/hnsw.h"

/* Entries have codes of no more dimensions, so that a block fits on a page. */
#define MAX_CODE_DIM 1792

/* Metrics that codes estimate. */
static bool
is_coded(const VdbAmKind *kind)
{
	return kind->metric == VDB_L2SQ || kind->metric == VDB_IP || kind->metric == VDB_COSINE;
}

/* What a page of slots has room for, in bytes of a slot. */
#define SLOT_SPACE (VDB_PAGE_SPACE - sizeof(VdbHnswNodes))

/* The part of a list's room that may give way to codes. */
#define GIVEN_SHARE 6

/* Bytes of a slot as it is laid out with so many bytes of codes and neighbours. */
static uint32
size_with(uint32 codes_size, uint32 neighbours, uint32 row_size)
{
	return TYPEALIGN(4, sizeof(VdbHnswSlot) + codes_size) +
		TYPEALIGN(4, neighbours * sizeof(uint32) + row_size);
}

/*
 * Neighbours that a list has room for: 2 m.  But some bytes of codes may cost a
 * page a whole slot.  Where nodes would take more for them than a tenth above
 * what they are, lists are shorter, if that helps: most are not full.  Indexes
 * are laid out by this, so it changes with VDB_HNSW_VERSION only.
 */
static uint32
list_room(const VdbHnswMeta *meta, uint32 row_size)
{
	uint32		most = 2 * meta->m;
	uint64		before = SLOT_SPACE / size_with(0, most, row_size);

	for (uint32 given = 0; given <= most / GIVEN_SHARE; given++)
	{
		uint64		slots = SLOT_SPACE / size_with(meta->codes_size, most - given, row_size);

		/* SLOT_SPACE / slots <= SLOT_SPACE / before + 1.1 codes_size */
		if (10 * SLOT_SPACE * before <= slots * (10 * SLOT_SPACE + 11 * before * meta->codes_size))
			return most - given;
	}
	return most;
}

static uint32
slot_size(const VdbHnswMeta *meta, uint32 row_size)
{
	return size_with(meta->codes_size, list_room(meta, row_size), row_size);
}

/* Bytes of a VdbHnsw with all that it points to but its kind. */
static Size
whole_size(const VdbHnswMeta *meta)
{
	return MAXALIGN(sizeof(VdbHnsw)) + vdb_am_space_memory(meta->dim);
}

static void *
space_memory(VdbHnsw *hnsw)
{
	return (char *) hnsw + MAXALIGN(sizeof(VdbHnsw));
}

VdbHnsw *
vdb_hnsw_describe(const VdbAmKind *kind, const VdbHnswMeta *meta)
{
	VdbHnsw    *hnsw = palloc0(whole_size(meta));

	hnsw->meta = *meta;
	vdb_am_space_init(&hnsw->space, kind, meta->dim, meta->rows, meta->bits,
					  meta->scale > 0 ? meta->scale : 1, meta->seed, space_memory(hnsw));
	hnsw->neighbours = list_room(meta, hnsw->space.row_size);
	hnsw->codes_size = meta->codes_size;
	hnsw->list_at = TYPEALIGN(4, sizeof(VdbHnswSlot) + meta->codes_size);
	hnsw->row_at = hnsw->list_at + hnsw->neighbours * sizeof(uint32);
	hnsw->slot_size = slot_size(meta, hnsw->space.row_size);
	hnsw->per_page = SLOT_SPACE / hnsw->slot_size;
	hnsw->page_share = PG_UINT64_MAX / hnsw->per_page;
	hnsw->bucket_tids = Min((hnsw->slot_size - sizeof(VdbHnswSlot)) /
							(sizeof(ItemPointerData) + meta->codes_size), PG_UINT8_MAX);
	hnsw->coded = is_coded(kind);
	hnsw->code_dim = Min(meta->dim, MAX_CODE_DIM);
	hnsw->block_size = hnsw->coded ? vdb_quant_block_size(hnsw->code_dim) : 0;
	hnsw->stride = hnsw->block_size + VDB_BLOCK * sizeof(uint32);
	hnsw->blocks = VDB_PAGE_SPACE / hnsw->stride;
	return hnsw;
}

bool
vdb_hnsw_is_readable(const VdbHnswMeta *meta)
{
	return meta->version == VDB_HNSW_VERSION && meta->rotation == VDB_QUANT_ROTATION_VERSION &&
		meta->block == VDB_QUANT_BLOCK_VERSION && meta->row == vdb_am_row_version(meta->rows);
}

const char *
vdb_hnsw_meta_problem(Relation index, const VdbHnswMeta *meta)
{
	const VdbAmKind *kind = vdb_am_kind(index);

	if (meta->magic != VDB_HNSW_MAGIC)
		return "its metapage is not of this access method";
	if (meta->dim == 0 || meta->dim > (kind->elem == VDB_BIT ? VDB_AM_BIT_MAX_DIM : VDB_MAX_DIM) ||
		!vdb_am_dim_fits(index, meta->dim) ||
		!(meta->scale >= 0 && meta->scale < INFINITY) ||
		meta->elem != kind->elem || meta->metric != kind->metric ||
		meta->rows < VDB_AM_ROWS_PLAIN || meta->rows > VDB_AM_ROWS_SQ8 ||
		(meta->rows != VDB_AM_ROWS_PLAIN && (kind->type == NULL || !is_coded(kind))) ||
		meta->bits > VDB_QUANT_2BITS || meta->m < VDB_AM_MIN_M || meta->m > VDB_AM_MAX_M ||
		meta->ef_construction < 1 || meta->ef_construction > VDB_AM_MAX_EF ||
		meta->codes_size > SLOT_SPACE ||
		slot_size(meta, vdb_am_row_size(kind, meta->dim, meta->rows, meta->bits)) > SLOT_SPACE)
		return "its metapage has impossible values";
	return NULL;
}

/* The metapage as it is now, checked. */
static void
read_meta(Relation index, VdbHnswMeta *meta)
{
	Buffer		buffer = vdb_page_read(index, VDB_HNSW_METAPAGE, VDB_HNSW_META);
	const char *problem;

	memcpy(meta, vdb_page_contents(BufferGetPage(buffer)), sizeof(*meta));
	vdb_page_release(buffer);

	if (meta->magic == VDB_HNSW_MAGIC && !vdb_hnsw_is_readable(meta))
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("index \"%s\" was made by another version of vecdb",
					   RelationGetRelationName(index)),
				errdetail("Its format is %u; this version has %u.", meta->version,
						  VDB_HNSW_VERSION),
				errhint("REINDEX INDEX makes it anew."));
	problem = vdb_hnsw_meta_problem(index, meta);
	if (problem != NULL)
		vdb_page_corrupted(index, VDB_HNSW_METAPAGE, problem);
}

/* Reads what describes the index, into memory of the relcache entry, too. */
static VdbHnsw *
load(Relation index)
{
	VdbHnswMeta meta;
	VdbHnsw    *hnsw;
	MemoryContext old;

	read_meta(index, &meta);
	vdb_am_columns_check(index, meta.codes_size, meta.columns_mark);
	hnsw = vdb_hnsw_describe(vdb_am_kind(index), &meta);
	if (meta.origin != InvalidBlockNumber)
		vdb_page_read_floats(index, meta.origin, VDB_HNSW_FLOATS, meta.dim,
							 (float *) hnsw->space.origin);
	if (meta.scale == 0)
		return hnsw;			/* not for long */

	old = MemoryContextSwitchTo(index->rd_indexcxt);
	index->rd_amcache = palloc(whole_size(&meta));
	memcpy(index->rd_amcache, hnsw, whole_size(&meta));
	MemoryContextSwitchTo(old);
	return hnsw;
}

VdbHnsw *
vdb_hnsw_open(Relation index)
{
	VdbHnsw    *cached = index->rd_amcache;
	VdbHnsw    *hnsw;

	if (cached == NULL)
		return load(index);
	hnsw = palloc(whole_size(&cached->meta));
	memcpy(hnsw, cached, whole_size(&cached->meta));
	vdb_am_space_move(&hnsw->space, space_memory(hnsw));
	return hnsw;
}

bool
vdb_hnsw_is_same(Relation index, const VdbHnsw *hnsw)
{
	const VdbHnsw *cached;

	if (index->rd_amcache == NULL)
		pfree(load(index));
	cached = index->rd_amcache;
	return cached != NULL && memcmp(&cached->meta, &hnsw->meta, sizeof(VdbHnswMeta)) == 0;
}

/* ---- a new index ---- */

static VdbAmRows
resolve_rows(Relation index, const VdbAmKind *kind, VdbAmQuantizer quantizer)
{
	bool		can_code = kind->type != NULL && is_coded(kind);

	if (quantizer == VDB_AM_QUANTIZER_NONE || (quantizer == VDB_AM_QUANTIZER_AUTO && !can_code))
		return VDB_AM_ROWS_PLAIN;
	if (!can_code)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("quantizer \"%s\" does not support this operator class",
					   vdb_am_quantizer_name(quantizer)),
				errhint("Leave the option out, or use quantizer = none."));
	return quantizer == VDB_AM_QUANTIZER_SQ8 ? VDB_AM_ROWS_SQ8 : VDB_AM_ROWS_RABITQ;
}

/* Dimensions of which a plain or sq8 row fits into a slot. */
static uint32
most_dimensions(const VdbAmKind *kind, const VdbHnswMeta *meta)
{
	uint32		low = 0,
				high = VDB_AM_BIT_MAX_DIM + 1;

	while (low + 1 < high)
	{
		uint32		middle = (low + high) / 2;

		if (slot_size(meta, vdb_am_row_size(kind, middle, meta->rows, VDB_QUANT_8BITS)) <=
			SLOT_SPACE)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* As many bits as leave room for the row on a page. */
static void
resolve_bits(const VdbAmKind *kind, VdbHnswMeta *meta)
{
	for (meta->bits = VDB_QUANT_8BITS; meta->bits <= VDB_QUANT_2BITS; meta->bits++)
	{
		if (slot_size(meta, vdb_am_row_size(kind, meta->dim, meta->rows, meta->bits)) <=
			SLOT_SPACE)
			return;
		if (meta->rows != VDB_AM_ROWS_RABITQ)
			break;
	}
	ereport(ERROR,
			errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			errmsg("column cannot have more than %u dimensions for hnsw index with quantizer \"%s\" and m = %u",
				   most_dimensions(kind, meta),
				   vdb_am_quantizer_name(meta->rows == VDB_AM_ROWS_PLAIN ?
										 VDB_AM_QUANTIZER_NONE : VDB_AM_QUANTIZER_SQ8),
				   meta->m),
			meta->codes_size == 0 ? 0 :
			errdetail("Of each row its filter columns take %u bytes.", meta->codes_size),
			kind->type != NULL && is_coded(kind) ?
			errhint("Use quantizer = rabitq, or leave the option out.") : 0);
}

void
vdb_hnsw_init_meta(Relation index, VdbHnswMeta *meta)
{
	const VdbAmKind *kind = vdb_am_kind(index);
	VdbAmHnswOptions options = vdb_am_hnsw_options(index);
	VdbAmColumns columns;

	vdb_am_columns_open(index, &columns);
	memset(meta, 0, sizeof(*meta));
	meta->magic = VDB_HNSW_MAGIC;
	meta->version = VDB_HNSW_VERSION;
	meta->dim = vdb_am_index_dim(index, VDB_MAX_DIM);
	meta->elem = kind->elem;
	meta->metric = kind->metric;
	meta->rows = resolve_rows(index, kind, options.quantizer);
	meta->rotation = VDB_QUANT_ROTATION_VERSION;
	meta->block = VDB_QUANT_BLOCK_VERSION;
	meta->row = vdb_am_row_version(meta->rows);
	meta->m = options.m;
	meta->ef_construction = options.ef_construction;
	meta->seed = pg_prng_uint64(&pg_global_prng_state);
	meta->origin = InvalidBlockNumber;
	meta->codes_size = columns.size;
	meta->columns_mark = columns.mark;
	resolve_bits(kind, meta);
}

float
vdb_hnsw_scale_of(double length)
{
	int			exponent;

	if (!(length > 0 && length < INFINITY))
		return 1;
	exponent = ilogb(length);
	return ldexp(1, -Max(Min(exponent, 126), -126));
}

static void
init_state(VdbHnswState *state)
{
	memset(state, 0, sizeof(*state));
	state->entries = state->room = InvalidBlockNumber;
	state->nulls = state->zeros = VDB_HNSW_NONE;
}

void
vdb_hnsw_write_empty(Relation index, ForkNumber fork, const VdbHnswMeta *meta)
{
	VdbHnswState state;

	init_state(&state);
	if (fork == INIT_FORKNUM)
	{
		vdb_page_write_init(index, VDB_HNSW_META, meta, sizeof(*meta));
		vdb_page_write_init(index, VDB_HNSW_STATE, &state, sizeof(state));
	}
	else
	{
		VdbEdit		edit;
		BlockNumber block;
		Page		page;

		vdb_edit_begin(&edit, index, true);
		page = vdb_edit_new(&edit, VDB_HNSW_META, sizeof(*meta), &block);
		memcpy(vdb_page_contents(page), meta, sizeof(*meta));
		Assert(block == VDB_HNSW_METAPAGE);
		page = vdb_edit_new(&edit, VDB_HNSW_STATE, sizeof(state), &block);
		memcpy(vdb_page_contents(page), &state, sizeof(state));
		Assert(block == VDB_HNSW_STATEPAGE);
		vdb_edit_finish(&edit);
	}
}

/* Writes over what a page of one structure holds. */
static void
overwrite(Relation index, bool building, BlockNumber block, uint16 kind, const void *contents,
		  Size size)
{
	Buffer		buffer = vdb_page_read_exclusive(index, block, kind);
	VdbEdit		edit;

	vdb_edit_begin(&edit, index, building);
	memcpy(vdb_page_contents(vdb_edit_page(&edit, buffer)), contents, size);
	vdb_edit_finish(&edit);
	vdb_page_release(buffer);
}

void
vdb_hnsw_write_built(Relation index, VdbHnswMeta *meta, const VdbHnswState *state,
					 const float *origin)
{
	meta->origin = vdb_page_write_floats(index, true, VDB_HNSW_FLOATS, origin, meta->dim);
	overwrite(index, true, VDB_HNSW_STATEPAGE, VDB_HNSW_STATE, state, sizeof(*state));
	overwrite(index, true, VDB_HNSW_METAPAGE, VDB_HNSW_META, meta, sizeof(*meta));
}

void
vdb_hnsw_begin(Relation index, const VdbHnsw *hnsw, const float *floats)
{
	Buffer		buffer = vdb_page_read_exclusive(index, VDB_HNSW_METAPAGE, VDB_HNSW_META);
	VdbHnswMeta *meta = (VdbHnswMeta *) vdb_page_contents(BufferGetPage(buffer));

	/* Somebody else may have been faster. */
	if (meta->scale == 0)
	{
		float		scale = vdb_hnsw_scale_of(vdb_dist_norm(VDB_F32, floats, hnsw->space.dim));
		VdbPatch	patch;

		vdb_patch_begin(&patch, index);
		vdb_patch_put(&patch, buffer, &meta->scale, &scale, sizeof(scale));
		vdb_patch_finish(&patch);
	}
	vdb_page_release(buffer);
}

void
vdb_hnsw_read_state(Relation index, VdbHnswState *state)
{
	Buffer		buffer = vdb_page_read(index, VDB_HNSW_STATEPAGE, VDB_HNSW_STATE);

	memcpy(state, vdb_page_contents(BufferGetPage(buffer)), sizeof(*state));
	vdb_page_release(buffer);
}

void
vdb_hnsw_set_efs(Relation index, uint32 k, const uint32 *efs)
{
	Buffer		buffer = vdb_page_read_exclusive(index, VDB_HNSW_STATEPAGE, VDB_HNSW_STATE);
	VdbHnswState *state = (VdbHnswState *) vdb_page_contents(BufferGetPage(buffer));
	VdbPatch	patch;

	vdb_patch_begin(&patch, index);
	vdb_patch_put(&patch, buffer, &state->measured_k, &k, sizeof(k));
	vdb_patch_put(&patch, buffer, state->efs, efs, sizeof(state->efs));
	vdb_patch_finish(&patch);
	vdb_page_release(buffer);
}

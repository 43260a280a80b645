/*
 * index.c
 *	  An index as its metapage describes it: its space, and where things are on
 *	  its pages.
 */
#include "postgres.h"

#include <math.h>

#include "utils/memutils.h"

#include "am/common/options.h"
#include "am/ivf/ivf.h"

const double vdb_ivf_recalls[VDB_IVF_NRECALLS] = {
	0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 1
};

/*
 * A block covers no more dimensions than leave room for it on a page, beside
 * the numbers of its row pages; fewer where these are many.
 */
#define MAX_CODE_DIM 1792

/* Of a piece of a product code: 4 bits. */
#define PQ_CENTROIDS 16

/*
 * How wide the bounds of rows are, in standard deviations, by VdbQuantBits: those of 8
 * bits cannot fail.  With fewer, most of the rows that such bounds have PostgreSQL
 * look at would be in vain; what is outside of these comes late (README.md).
 */
static const float sure[] = {
	[VDB_QUANT_8BITS] = VDB_AM_SURE,
	[VDB_QUANT_4BITS] = 5,
	[VDB_QUANT_2BITS] = 4,
	[VDB_QUANT_1BIT] = 3,
};

static bool
shape_init(VdbIvfShape *shape, bool coded, bool directory, uint32 code_dim, uint32 row_size,
		   uint32 codes_size)
{
	memset(shape, 0, sizeof(*shape));
	shape->coded = coded;
	shape->directory = directory;
	shape->code_dim = code_dim;
	shape->codes_size = codes_size;
	shape->block_size = coded ? vdb_quant_block_size(shape->code_dim) : 0;
	shape->stride = shape->block_size + VDB_BLOCK * sizeof(ItemPointerData) +
		VDB_BLOCK * (directory ? sizeof(VdbIvfListInfo) : codes_size);
	shape->row_size = row_size;
	shape->rows_per_page = VDB_PAGE_SPACE / row_size;
	shape->pages_per_row = (row_size + VDB_PAGE_SPACE - 1) / VDB_PAGE_SPACE;

	/*
	 * As many blocks as fit; but not too many, as the last lead page of a list
	 * is half empty on average.
	 */
	for (uint32 n = 1; n <= VDB_IVF_MAX_BLOCKS; n++)
	{
		uint32		lanes = n * VDB_BLOCK;
		uint32		pages = shape->rows_per_page == 0 ? lanes * shape->pages_per_row :
			(lanes + shape->rows_per_page - 1) / shape->rows_per_page;
		uint32		at = MAXALIGN(offsetof(VdbIvfLead, rows) + pages * sizeof(BlockNumber));

		if (at + n * shape->stride > VDB_PAGE_SPACE)
			break;
		shape->nblocks = n;
		shape->lanes = lanes;
		shape->nrow_pages = pages;
		shape->blocks_at = at;
	}
	return shape->nblocks > 0;
}

/*
 * The dimensions that blocks cover beside filter columns, or rows of 1 bit: a few less,
 * if a page has room for a block more then, and the index so much less of them.  Searches
 * take longer by about one and a half times the part that is missing (README.md):
 * space times time is to be least.
 */
static uint32
beside_columns(const VdbIvf *ivf, uint32 code_dim)
{
	uint32		most = code_dim;
	double		least = INFINITY;
	VdbIvfShape shape;

	if (ivf->meta.codes_size == 0 && ivf->meta.bits != VDB_QUANT_1BIT)
		return code_dim;
	for (uint32 dim = most; dim > most / 4 * 3; dim = (dim - 1) / 16 * 16)
	{
		double		cost;

		if (!shape_init(&shape, true, false, dim, ivf->space.row_size, ivf->meta.codes_size))
			continue;
		cost = (1.0 + shape.nrow_pages) / shape.lanes * (1 + 1.5 * (most - dim) / most);
		if (cost < least)
		{
			least = cost;
			code_dim = dim;
		}
	}
	return code_dim;
}

/* Bytes of a VdbIvf with all that it points to but its kind. */
static Size
whole_size(const VdbIvfMeta *meta)
{
	Size		floats = 0;

	if (meta->coding == VDB_IVF_PQ)
		floats = (Size) meta->dim * PQ_CENTROIDS;
	return MAXALIGN(sizeof(VdbIvf)) + vdb_am_space_memory(meta->dim) + floats * sizeof(float);
}

/* What follows it: the memory of its space, then the codebook. */
static void *
space_memory(const VdbIvf *ivf)
{
	return (char *) ivf + MAXALIGN(sizeof(VdbIvf));
}

/* Makes it point to that. */
static void
set_pointers(VdbIvf *ivf)
{
	vdb_am_space_move(&ivf->space, space_memory(ivf));
	ivf->pq.codebook = (float *) ((char *) space_memory(ivf) + vdb_am_space_memory(ivf->space.dim));
}

VdbAmRows
vdb_ivf_rows(uint8 coding)
{
	return coding == VDB_IVF_PLAIN ? VDB_AM_ROWS_PLAIN :
		coding == VDB_IVF_SQ8 ? VDB_AM_ROWS_SQ8 : VDB_AM_ROWS_RABITQ;
}

/*
 * Two dimensions a piece, or more where a block has no room for as many; and
 * pieces in fours, as blocks have them.
 */
static void
product_shape(VdbIvf *ivf)
{
	uint32		m = Min(Min(ivf->space.dim, (ivf->space.dim + 7) / 8 * 4), MAX_CODE_DIM / 4);

	m = beside_columns(ivf, 4 * m) / 4;
	while (!shape_init(&ivf->list, true, false, 4 * m, ivf->space.row_size,
					   ivf->meta.codes_size))
		m -= 4;
	ivf->list.product = true;
	ivf->pq.dim = ivf->space.dim;
	ivf->pq.m = m;
	ivf->pq.ncentroids = PQ_CENTROIDS;
}

/*
 * Finding lists and scanning them take about the same time then.  Where rows have 1 bit
 * the index is to be small, and half-empty pages at the ends of lists are a third of it.
 */
double
vdb_ivf_auto_lists(const VdbIvf *ivf, double rows)
{
	return (ivf->meta.bits == VDB_QUANT_1BIT ? 1 : 2) * sqrt(rows);
}

VdbIvf *
vdb_ivf_describe(const VdbAmKind *kind, const VdbIvfMeta *meta)
{
	VdbIvf	   *ivf = palloc0(whole_size(meta));
	bool		coded = meta->coding == VDB_IVF_RABITQ;
	uint32		code_dim = Min(meta->dim, MAX_CODE_DIM);

	ivf->meta = *meta;
	ivf->tids_per_page = VDB_IVF_TIDS_PER_PAGE(meta->codes_size);
	vdb_am_space_init(&ivf->space, kind, meta->dim, vdb_ivf_rows(meta->coding),
					  (VdbQuantBits) meta->bits, meta->scale, meta->seed, space_memory(ivf));
	ivf->space.sure = sure[meta->bits];
	if (meta->coding == VDB_IVF_PQ)
		product_shape(ivf);
	else if (coded)
		code_dim = beside_columns(ivf, code_dim);
	/* One query serves both, so their blocks cover the same dimensions. */
	while ((meta->coding != VDB_IVF_PQ &&
			!shape_init(&ivf->list, coded, false, code_dim, ivf->space.row_size,
						meta->codes_size)) ||
		   !shape_init(&ivf->directory, true, true, code_dim,
					   TYPEALIGN(4, meta->dim * sizeof(uint16)), 0))
		code_dim = (code_dim - 1) / 16 * 16;
	set_pointers(ivf);
	return ivf;
}

/* Do all formats have the versions that this program knows? */
bool
vdb_ivf_is_readable(const VdbIvfMeta *meta)
{
	return meta->version >= VDB_IVF_OLDEST_VERSION && meta->version <= VDB_IVF_VERSION &&
		meta->rotation == VDB_QUANT_ROTATION_VERSION && meta->block == VDB_QUANT_BLOCK_VERSION &&
		meta->row == vdb_am_row_version(vdb_ivf_rows(meta->coding)) &&
		(meta->coding != VDB_IVF_PQ || meta->product == VDB_QUANT_PQ_VERSION);
}

const char *
vdb_ivf_meta_problem(Relation index, const VdbIvfMeta *meta)
{
	const VdbAmKind *kind = vdb_am_kind(index);

	if (meta->magic != VDB_IVF_MAGIC)
		return "its metapage is not of this access method";
	if (meta->dim == 0 || meta->dim > (kind->elem == VDB_BIT ? VDB_AM_BIT_MAX_DIM : VDB_MAX_DIM) ||
		!vdb_am_dim_fits(index, meta->dim) ||
		!(meta->scale > 0 && meta->scale < INFINITY) ||
		meta->elem != kind->elem || meta->metric != kind->metric ||
		meta->coding < VDB_IVF_PLAIN || meta->coding > VDB_IVF_PQ ||
		meta->bits > VDB_QUANT_1BIT || meta->codes_size > VDB_IVF_MAX_CODES)
		return "its metapage has impossible values";
	return NULL;
}

void
vdb_ivf_read_meta(Relation index, VdbIvfMeta *meta)
{
	Buffer		buffer = vdb_page_read(index, VDB_IVF_METAPAGE, VDB_IVF_META);
	const char *problem;

	memcpy(meta, vdb_page_contents(BufferGetPage(buffer)), sizeof(*meta));
	vdb_page_release(buffer);

	if (meta->magic == VDB_IVF_MAGIC && !vdb_ivf_is_readable(meta))
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("index \"%s\" was made by another version of vecdb",
					   RelationGetRelationName(index)),
				errdetail("Its format is %u; this version has %u.", meta->version,
						  VDB_IVF_VERSION),
				errhint("REINDEX INDEX makes it anew."));
	problem = vdb_ivf_meta_problem(index, meta);
	if (problem != NULL)
		vdb_page_corrupted(index, VDB_IVF_METAPAGE, problem);
}

/* Reads what describes the index, into memory of the relcache entry. */
static VdbIvf *
load(Relation index)
{
	VdbIvfMeta	meta;
	VdbIvf	   *ivf;
	MemoryContext old;

	vdb_ivf_read_meta(index, &meta);
	vdb_am_columns_check(index, meta.codes_size, meta.columns_mark);
	ivf = vdb_ivf_describe(vdb_am_kind(index), &meta);
	if (meta.origin != InvalidBlockNumber)
		vdb_page_read_floats(index, meta.origin, VDB_IVF_FLOATS, meta.dim,
							 (float *) ivf->space.origin);
	if (meta.codebook != InvalidBlockNumber)
		vdb_page_read_floats(index, meta.codebook, VDB_IVF_FLOATS, vdb_ivf_codebook_size(ivf),
							 (float *) ivf->pq.codebook);
	if (meta.directory == InvalidBlockNumber)
		return ivf;				/* not for long */

	old = MemoryContextSwitchTo(index->rd_indexcxt);
	index->rd_amcache = palloc(whole_size(&meta));
	memcpy(index->rd_amcache, ivf, whole_size(&meta));
	MemoryContextSwitchTo(old);
	return ivf;
}

VdbIvf *
vdb_ivf_open(Relation index)
{
	VdbIvf	   *cached = index->rd_amcache;
	VdbIvf	   *ivf;

	if (cached == NULL)
		return load(index);
	ivf = palloc(whole_size(&cached->meta));
	memcpy(ivf, cached, whole_size(&cached->meta));
	set_pointers(ivf);
	return ivf;
}

bool
vdb_ivf_is_complete(Relation index)
{
	if (index->rd_amcache == NULL)
		pfree(load(index));
	return index->rd_amcache != NULL;
}

bool
vdb_ivf_is_same(Relation index, const VdbIvf *ivf)
{
	const VdbIvf *cached;

	if (!vdb_ivf_is_complete(index))
		return false;
	cached = index->rd_amcache;
	return memcmp(&cached->meta, &ivf->meta, sizeof(VdbIvfMeta)) == 0;
}

double
vdb_ivf_target(const VdbIvf *ivf)
{
	if (ivf->meta.flat || vdb_am_ivf_probes > 0)
		return 0;
	return vdb_am_ivf_recall > 0 ? vdb_am_ivf_recall : vdb_am_target_recall;
}

uint32
vdb_ivf_probes(const VdbIvf *ivf, const VdbIvfState *state, uint32 *most)
{
	uint32		all = PG_UINT32_MAX;

	if (most == NULL)
		most = &all;
	*most = all;
	if (ivf->meta.flat)
	{
		uint32		probes = vdb_am_ivfflat_probes();

		*most = vdb_am_ivfflat_iterative() ? Max(probes, vdb_am_ivfflat_max_probes()) : probes;
		return probes;
	}
	if (vdb_am_ivf_probes > 0)
		return vdb_am_ivf_probes;
	return Max(vdb_am_width(vdb_ivf_recalls, state->probes, VDB_IVF_NRECALLS,
							vdb_ivf_target(ivf)), 1);
}

/* ---- what changes ---- */

void
vdb_ivf_read_state(Relation index, const VdbIvf *ivf, VdbIvfState *state)
{
	Buffer		buffer = vdb_page_read(index, ivf->meta.state, VDB_IVF_STATE);

	memcpy(state, vdb_page_contents(BufferGetPage(buffer)), sizeof(*state));
	vdb_page_release(buffer);
}

void
vdb_ivf_write_state(Relation index, const VdbIvf *ivf, bool building, const VdbIvfState *state)
{
	Buffer		buffer = vdb_page_read_exclusive(index, ivf->meta.state, VDB_IVF_STATE);
	VdbEdit		edit;

	vdb_edit_begin(&edit, index, building);
	memcpy(vdb_page_contents(vdb_edit_page(&edit, buffer)), state, sizeof(*state));
	vdb_edit_finish(&edit);
	vdb_page_release(buffer);
}

BlockNumber
vdb_ivf_make_state(Relation index, bool building)
{
	VdbEdit		edit;
	BlockNumber block;

	vdb_edit_begin(&edit, index, building);
	vdb_edit_new(&edit, VDB_IVF_STATE, sizeof(VdbIvfState), &block);
	vdb_edit_finish(&edit);
	return block;
}

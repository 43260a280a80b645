/*
 * check.c
 *	  Is an index sound?
 *
 * Every page is copied under its lock, and looked at in memory, so that what
 * is found there is nothing to rely on: numbers are held against their bounds
 * before they are used, and no chain is followed to where one has led before.
 *
 * Inserts go on meanwhile.  What is checked within a page, they change at
 * once.  Across pages: a page that is named is there already; the end of a
 * chain comes after what its first page said, so that it may only be further;
 * and a page that nothing led to is looked for again, when its list is walked
 * once more.  Vacuum and changes of lists, which move things, are kept out by
 * their guards; one that was begun and left by a crash stays as it is, for the
 * next insert or vacuum to undo.
 *
 * On a standby there are no guards: what is replayed meanwhile may look like
 * damage.
 */
#include "postgres.h"

#include <math.h>

#include "access/xlog.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "am/ivf/check.h"

#define report(check, ...) vdb_am_check_report(&(check)->common, __VA_ARGS__)

/* ---- rows ---- */

/* Bytes of a row page of a lead page that its lanes use. */
static uint32
used_bytes(const VdbIvfShape *shape, VdbIvfLead *lead, uint32 number)
{
	uint32		lane;

	if (shape->rows_per_page == 0)
	{
		uint32		at = number % shape->pages_per_row * VDB_PAGE_SPACE;

		lane = number / shape->pages_per_row;
		return ItemPointerIsValid(vdb_ivf_tid(shape, lead, lane)) ?
			Min(shape->row_size - at, VDB_PAGE_SPACE) : 0;
	}
	for (uint32 n = shape->rows_per_page; n > 0; n--)
	{
		lane = number * shape->rows_per_page + n - 1;
		if (lane < shape->lanes && ItemPointerIsValid(vdb_ivf_tid(shape, lead, lane)))
			return n * shape->row_size;
	}
	return 0;
}

/* The numbers that go with the codes of short rows on a page. */
static void
check_factors(VdbIvfCheck *check, const VdbIvfShape *shape, VdbIvfLead *lead, uint32 number,
			  BlockNumber block)
{
	for (uint32 i = 0; i < shape->rows_per_page; i++)
	{
		uint32		lane = number * shape->rows_per_page + i;
		const VdbQuantRowFactors *factors;

		if (lane >= shape->lanes || !ItemPointerIsValid(vdb_ivf_tid(shape, lead, lane)))
			continue;
		factors = vdb_quant_row_factors(check->ivf->space.dim, check->ivf->space.bits,
										vdb_page_contents(check->row_page) + i * shape->row_size);
		if (!isfinite(factors->add) || !isfinite(factors->rescale) ||
			!(factors->error >= 0 && factors->error < INFINITY))
			report(check, block, "row %u has impossible factors", i);
	}
}

/* The row pages of a lead page. */
static void
check_rows(VdbIvfCheck *check, const VdbIvfShape *shape, BlockNumber block, VdbIvfLead *lead)
{
	for (uint32 i = 0; i < shape->nrow_pages; i++)
	{
		uint32		used = used_bytes(shape, lead, i);
		Page		page = check->row_page;

		if (lead->rows[i] == InvalidBlockNumber)
		{
			if (used > 0)
				report(check, block, "entries have no row page %u", i);
			continue;
		}
		if (!vdb_am_check_fetch_kind(&check->common, block, lead->rows[i], VDB_IVF_ROWS, page))
			continue;
		if (vdb_page_opaque(page)->next != lead->list)
			report(check, lead->rows[i], "it has rows of list %u, but block %u of list %u names it",
				   vdb_page_opaque(page)->next, block, lead->list);
		else if (vdb_page_size(page) < used)
			report(check, lead->rows[i], "it ends before its rows");
		else if (shape->coded && !shape->directory && shape->rows_per_page > 0)
			check_factors(check, shape, lead, i, lead->rows[i]);
	}
}

/* ---- lead pages ---- */

/* A lane's place in its block: empty where it has to be, and not where not. */
static void
check_code(VdbIvfCheck *check, const VdbIvfShape *shape, BlockNumber block, VdbIvfLead *lead,
		   uint32 lane)
{
	const VdbQuantBlock *codes = (VdbQuantBlock *) vdb_ivf_block(shape, lead, lane / VDB_BLOCK);
	uint32		n = lane % VDB_BLOCK;
	bool		used = ItemPointerIsValid(vdb_ivf_tid(shape, lead, lane)) &&
		!vdb_ivf_is_loose(lead, lane);

	if (!used)
	{
		if (!(codes->add[n] == INFINITY && codes->rescale[n] == 0 && codes->error[n] == 0))
			report(check, block, "lane %u is not in its block, but that has something there",
				   lane);
	}
	else if (codes->add[n] == INFINITY)
		report(check, block, "lane %u is missing in its block", lane);
	else if (!isfinite(codes->add[n]) || !isfinite(codes->rescale[n]) ||
			 !(codes->error[n] >= 0 && codes->error[n] < INFINITY))
		report(check, block, "lane %u has impossible factors", lane);
}

/* A lead page, which is in check->page and of the right list. */
static void
check_lead(VdbIvfCheck *check, const VdbIvfShape *shape, BlockNumber block, uint32 list)
{
	VdbIvfLead *lead = vdb_ivf_lead(check->page);
	uint32		nblocks = vdb_ivf_page_blocks(shape, check->page);
	uint32		used = 0;

	if (nblocks > shape->nblocks)
		report(check, block, "its size is %u, which no number of blocks takes",
			   (uint32) vdb_page_size(check->page));
	for (uint32 lane = 0; lane < shape->lanes; lane++)
	{
		ItemPointer tid = vdb_ivf_tid(shape, lead, lane);
		bool		loose = vdb_ivf_is_loose(lead, lane);

		if (ItemPointerIsValid(tid))
		{
			used++;
			if (!vdb_am_check_is_possible(tid))
				report(check, block, "lane %u has an impossible row id", lane);
			else if (lane >= nblocks * VDB_BLOCK)
				report(check, block, "lane %u is beyond its blocks", lane);
			else if (check->deep && !shape->directory && check->lists[list].lives)
				vdb_am_check_add(&check->common, tid, block, lane, list);
		}
		else if (loose)
			report(check, block, "lane %u is marked as waiting for its block, but empty", lane);
		if (loose && (!shape->coded || shape->directory))
			report(check, block, "lane %u is marked as waiting for a block", lane);
		if (shape->coded && lane < nblocks * VDB_BLOCK)
			check_code(check, shape, block, lead, lane);
	}
	for (uint32 i = shape->nblocks; i < VDB_IVF_MAX_BLOCKS; i++)
		if (lead->loose[i] != 0)
			report(check, block, "lanes that it does not have are marked as waiting");
	if (lead->live != used)
		report(check, block, "it has %u entries, not %u as it says", used, lead->live);
	check_rows(check, shape, block, lead);
}

/* ---- chains of lead pages ---- */

/* What the first page of a list says of all of it. */
typedef struct Head
{
	uint32		pages;
	BlockNumber target;
	bool		closed;
} Head;

static void
read_head(Page page, Head *head)
{
	VdbIvfLead *lead = vdb_ivf_lead(page);

	head->pages = lead->pages;
	head->target = lead->target;
	head->closed = lead->closed != 0;
}

/*
 * All pages of a list; list is its place in check->lists.  visit is called for
 * each, which is in check->page.
 */
static void
check_chain(VdbIvfCheck *check, const VdbIvfShape *shape, BlockNumber from, BlockNumber first,
			uint32 number, uint32 list, Head *head,
			void (*visit) (VdbIvfCheck *check, BlockNumber block))
{
	BlockNumber block = first;
	uint32		pages = 0;
	bool		aimed = false;
	uint32		now;

	memset(head, 0, sizeof(*head));
	while (block != InvalidBlockNumber)
	{
		if (!vdb_am_check_fetch_kind(&check->common, from, block, VDB_IVF_LEAD, check->page))
			return;
		if (vdb_ivf_lead(check->page)->list != number)
		{
			report(check, block, "it is of list %u, but in the chain of list %u",
				   vdb_ivf_lead(check->page)->list, number);
			return;
		}
		if (pages++ == 0)
			read_head(check->page, head);
		aimed |= block == head->target;
		check_lead(check, shape, block, list);
		if (visit != NULL)
			visit(check, block);
		from = block;
		block = vdb_page_opaque(check->page)->next;
	}
	if (!aimed)
		report(check, first, "inserts begin at block %u, which is not in its chain", head->target);
	/* The end was seen after the beginning, and before the beginning again. */
	if (!vdb_am_check_fetch(&check->common, first, check->page))
		return;
	now = vdb_ivf_lead(check->page)->pages;
	if (pages < head->pages || pages > now)
		report(check, first, "its chain has %u pages, not %u as it says", pages, now);
}

/* ---- the directory ---- */

/* Copies a row of the directory; false if that is not possible. */
static bool
copy_centre(VdbIvfCheck *check, VdbIvfLead *lead, uint32 lane, char *to)
{
	const VdbIvfShape *shape = &check->ivf->directory;
	uint32		parts = shape->rows_per_page > 0 ? 1 : shape->pages_per_row;
	uint32		first = shape->rows_per_page > 0 ? lane / shape->rows_per_page :
		lane * shape->pages_per_row;
	uint32		at = shape->rows_per_page > 0 ? lane % shape->rows_per_page * shape->row_size : 0;

	for (uint32 i = 0; i < parts; i++)
	{
		uint32		done = i * VDB_PAGE_SPACE;
		char	   *why = vdb_page_copy(check->common.index, lead->rows[first + i], check->common.strategy,
										check->row_page);

		/* What is wrong with the page has been told. */
		if (why != NULL || !vdb_page_is_ours(check->row_page))
			return false;
		memcpy(to + done, vdb_page_contents(check->row_page) + at,
			   Min(shape->row_size - done, VDB_PAGE_SPACE));
	}
	return true;
}

static void
check_centre(VdbIvfCheck *check, BlockNumber block, VdbIvfLead *lead, uint32 lane,
			 const VdbIvfListInfo *info)
{
	uint32		dim = check->ivf->space.dim;
	char	   *halves = palloc(check->ivf->directory.row_size);
	float	   *centre = palloc(dim * sizeof(float));

	if (copy_centre(check, lead, lane, halves))
	{
		double		square;

		vdb_kernel.f16_to_f32((uint16 *) halves, centre, dim);
		square = vdb_dist_square(VDB_F32, centre, dim);
		if (!(fabs(square - info->square) <= 1e-4 * square + 1e-30))
			report(check, block, "the centre of list %u has a squared length of %g, not %g",
				   info->number, square, info->square);
	}
	pfree(halves);
	pfree(centre);
}

/* When a list was born, and died. */
static void
check_info(VdbIvfCheck *check, BlockNumber block, const VdbIvfListInfo *info)
{
	uint32		last = check->state.version + (check->state.busy ? 1 : 0);

	if (info->number >= check->state.next_number)
		report(check, block, "list %u is not made yet: the next is %u", info->number,
			   check->state.next_number);
	if (info->born > last)
		report(check, block, "list %u is of version %u, which is not yet", info->number,
			   info->born);
	if (info->died != VDB_IVF_LIVES && (info->died > last || info->died <= info->born))
		report(check, block, "list %u cannot be from version %u to %u", info->number,
			   info->born, info->died);
}

/* A page of the directory. */
static void
take_lists(VdbIvfCheck *check, BlockNumber block)
{
	const VdbIvfShape *shape = &check->ivf->directory;
	VdbIvfLead *lead = vdb_ivf_lead(check->page);

	for (uint32 lane = 0; lane < shape->lanes; lane++)
	{
		ItemPointer tid = vdb_ivf_tid(shape, lead, lane);
		VdbIvfCheckList *list;

		if (!ItemPointerIsValid(tid))
			continue;
		if (check->nlists == check->list_room)
		{
			check->list_room = Max(64, 2 * check->list_room);
			check->lists = check->lists == NULL ?
				palloc(check->list_room * sizeof(VdbIvfCheckList)) :
				repalloc_huge(check->lists, check->list_room * sizeof(VdbIvfCheckList));
		}
		list = &check->lists[check->nlists++];
		list->info = *vdb_ivf_info(shape, lead, lane);
		list->head = ItemPointerGetBlockNumberNoCheck(tid);
		list->entry_block = block;
		list->entry_lane = lane;
		list->lives = vdb_ivf_lives(&list->info, check->state.version);
		list->sound = false;
		check_info(check, block, &list->info);
		check_centre(check, block, lead, lane, &list->info);
	}
}

int
vdb_ivf_check_compare_lists(const void *a, const void *b)
{
	uint32		x = ((const VdbIvfCheckList *) a)->info.number;
	uint32		y = ((const VdbIvfCheckList *) b)->info.number;

	return x < y ? -1 : x > y;
}

static void
check_directory(VdbIvfCheck *check)
{
	const VdbIvf *ivf = check->ivf;
	uint64		before = check->common.nproblems;
	uint32		living = 0;
	Head		head;

	check_chain(check, &ivf->directory, VDB_IVF_METAPAGE, ivf->meta.directory,
				VDB_IVF_DIRECTORY, 0, &head, take_lists);
	if (check->nlists > 0)
		qsort(check->lists, check->nlists, sizeof(VdbIvfCheckList), vdb_ivf_check_compare_lists);
	for (uint32 i = 0; i < check->nlists; i++)
	{
		living += check->lists[i].lives;
		if (i > 0 && check->lists[i].info.number == check->lists[i - 1].info.number)
			report(check, check->lists[i].entry_block, "list %u is there twice",
				   check->lists[i].info.number);
	}
	if (living != check->state.nlists)
		report(check, ivf->meta.directory, "it has %u lists where %u belong", living,
			   check->state.nlists);
	check->directory_sound = check->common.nproblems == before;
}

static void
check_lists(VdbIvfCheck *check)
{
	for (uint32 i = 0; i < check->nlists; i++)
	{
		VdbIvfCheckList *list = &check->lists[i];
		uint64		before = check->common.nproblems;
		Head		head;

		check_chain(check, &check->ivf->list, list->entry_block, list->head, list->info.number, i,
					&head, NULL);
		if (head.closed && list->info.died == VDB_IVF_LIVES && !check->state.busy)
			report(check, list->head, "list %u takes no entries, and nothing else takes its place",
				   list->info.number);
		list->sound = check->common.nproblems == before;
	}
}

/* ---- other pages ---- */

static void
check_tids(VdbIvfCheck *check, BlockNumber head, uint32 list)
{
	BlockNumber from = VDB_IVF_METAPAGE;
	BlockNumber block = head;
	BlockNumber tail = InvalidBlockNumber;
	bool		found = false;

	while (block != InvalidBlockNumber)
	{
		VdbIvfTids *tids = (VdbIvfTids *) vdb_page_contents(check->page);

		if (!vdb_am_check_fetch_kind(&check->common, from, block, VDB_IVF_TIDS, check->page))
			return;
		if (block == head)
			tail = tids->tail;
		found |= block == tail;
		if (tids->count > check->ivf->tids_per_page)
			report(check, block, "it cannot have %u row ids", tids->count);
		for (uint32 i = 0; i < Min(tids->count, check->ivf->tids_per_page); i++)
			if (!vdb_am_check_is_possible(&tids->tids[i]))
				report(check, block, "row id %u is impossible", i);
			else if (check->deep)
				vdb_am_check_add(&check->common, &tids->tids[i], block, i, list);
		from = block;
		block = vdb_page_opaque(check->page)->next;
	}
	if (!found)
		report(check, head, "its chain does not have block %u, which it says has room", tail);
}

/* The origin, or the codebook, which are read, too. */
static void
check_floats(VdbIvfCheck *check, BlockNumber block, float *to, uint32 count, const char *name)
{
	if (!vdb_am_check_floats(&check->common, block, VDB_IVF_FLOATS, to, count, name, check->page))
		check->deep = false;	/* it would all be wrong */
}

static bool
check_state(VdbIvfCheck *check)
{
	VdbIvfState *state = &check->state;
	BlockNumber block = check->ivf->meta.state;

	if (!vdb_am_check_fetch_kind(&check->common, VDB_IVF_METAPAGE, block, VDB_IVF_STATE, check->page))
		return false;
	if (vdb_page_size(check->page) < sizeof(*state))
	{
		report(check, block, "it ends too early");
		return false;
	}
	memcpy(state, vdb_page_contents(check->page), sizeof(*state));
	if (state->busy > 1 || state->nlists == 0 || state->nlists > state->next_number ||
		state->version >= VDB_IVF_LIVES)
		report(check, block, "it has impossible values");
	return true;
}

static bool
check_meta(VdbIvfCheck *check)
{
	const VdbAmKind *kind = vdb_am_kind(check->common.index);
	VdbIvfMeta	meta;
	const char *problem;

	if (!vdb_am_check_fetch_kind(&check->common, VDB_IVF_METAPAGE, VDB_IVF_METAPAGE,
								 VDB_IVF_META, check->page))
		return false;
	if (vdb_page_size(check->page) < sizeof(meta))
	{
		report(check, VDB_IVF_METAPAGE, "it ends too early");
		return false;
	}
	memcpy(&meta, vdb_page_contents(check->page), sizeof(meta));
	problem = vdb_ivf_meta_problem(check->common.index, &meta);
	if (problem == NULL && !vdb_ivf_is_readable(&meta))
		problem = "another version of vecdb made it";
	if (problem == NULL &&
		!vdb_am_columns_are(check->common.index, meta.codes_size, meta.columns_mark))
		problem = "it has other filter columns";
	if (problem != NULL)
	{
		report(check, VDB_IVF_METAPAGE, "%s", problem);
		return false;
	}
	check->ivf = vdb_ivf_describe(kind, &meta);
	return true;
}

/* ---- all of it ---- */

static void
check_pages(VdbIvfCheck *check)
{
	const VdbIvfMeta *meta = &check->ivf->meta;

	if (meta->directory == InvalidBlockNumber)
		return;					/* nothing was ever inserted */
	check_floats(check, meta->origin, (float *) check->ivf->space.origin, check->ivf->space.dim,
				 "origin");
	if (meta->coding == VDB_IVF_PQ)
		check_floats(check, meta->codebook, (float *) check->ivf->pq.codebook,
					 vdb_ivf_codebook_size(check->ivf), "codebook");
	check_tids(check, meta->zeros, VDB_IVF_CHECK_ZEROS);
	check_tids(check, meta->nulls, VDB_IVF_CHECK_NULLS);
	if (!check_state(check))
	{
		check->deep = false;
		return;
	}
	check_directory(check);
	check_lists(check);
	vdb_ivf_check_others(check);
}

void
vdb_ivf_check(Relation index, Relation heap, VdbAmProblem problem, void *arg)
{
	VdbIvfCheck check = {.deep = heap != NULL};
	bool		guarded = !RecoveryInProgress();
	BlockNumber state = InvalidBlockNumber;
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "ivf check",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);

	check.page = palloc(BLCKSZ);
	check.row_page = palloc(BLCKSZ);
	if (guarded)
		vdb_page_guard(index, VDB_IVF_METAPAGE);
	vdb_am_check_begin(&check.common, index, problem, arg);
	if (check_meta(&check))
	{
		state = check.ivf->meta.state;
		if (guarded && state != InvalidBlockNumber)
			vdb_page_guard(index, state);
		check_pages(&check);
		if (check.deep)
			vdb_ivf_check_rows(&check, heap);
		if (guarded && state != InvalidBlockNumber)
			vdb_page_unguard(index, state);
	}
	if (guarded)
		vdb_page_unguard(index, VDB_IVF_METAPAGE);
	vdb_am_check_end(&check.common);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

bool
vdb_ivf_is_index(Relation index)
{
	return index->rd_indam != NULL && index->rd_indam->ambuild == vdb_ivf_build;
}

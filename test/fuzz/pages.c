/*
 * pages.c
 *	  Damaged indexes: what is read from their pages, and what is done then.
 *
 * An input is a small program.  Its first byte says which index it begins with,
 * the second one how; then come damage and statements, in any order, of a
 * letter and its arguments each.
 *
 * Of one damaged page (target page): an index, how, and which of its pages, then
 * the statement that reads it, in so many bytes, and the damage done before.
 */
#include "input.h"

#include "common/pg_prng.h"
#include "storage/bufpage.h"
#include "utils/memutils.h"

#include "am/common/filter.h"
#include "am/common/scan.h"
#include "am/hnsw/hnsw.h"
#include "am/ivf/ivf.h"
#include "index.h"
#include "pages.h"
#include "settings.h"
#include "world.h"

#undef fprintf

#include <math.h>

/* The second byte; what is left of it chooses the instruction set. */
#define UNSEEN 1
#define STANDBY 2
#define ALL_GONE 4
#define SHORT 8					/* no statements but those that are in the input */

/* A program ends after so many of them. */
#define MOST_STATEMENTS 24

/* Bytes of the statement that reads one damaged page. */
#define STATEMENT_BYTES 8

static FuzzWorld *world;
static VdbHnsw *hnsw;			/* of an hnsw world */
static VdbIvf *ivf;				/* of the others */
static BlockNumber only;		/* the page that is damaged, if there is but one */
static uint64 programs;

/* ---- damage ---- */

static BlockNumber
take_block(Input *in)
{
	return take_byte(in) % Max(fuzz_nblocks, 1);
}

/* One to be damaged: of one page, that is it, whatever the input says. */
static BlockNumber
take_damaged(Input *in)
{
	BlockNumber block = take_block(in);

	return only == InvalidBlockNumber ? block : only;
}

/* A page to be changed, which nobody is told of. */
static char *
damage(BlockNumber block)
{
	fuzz_sound = fuzz_logged = false;
	fuzz_damaged[block] = true;
	return fuzz_own_page(block);
}

static uint32
float_bits(float x)
{
	uint32		result;

	memcpy(&result, &x, sizeof(result));
	return result;
}

/* Numbers that something may follow from. */
static uint32
take_value(Input *in)
{
	uint8_t		how = take_byte(in);
	BlockNumber block;

	switch (how % 16)
	{
		case 0:
			return take_int32(in);
		case 1:
			return 0;
		case 2:
			return PG_UINT32_MAX;
		case 3:
			return fuzz_nblocks;
		case 4:
			return take_block(in);
		case 5:
			block = take_block(in);
			return hnsw == NULL ? block : block * hnsw->per_page + take_byte(in);
		case 6:
			return PG_INT32_MAX;
		case 7:
			return 0x80000000;
		case 8:
			return float_bits(NAN);
		case 9:
			return float_bits(INFINITY);
		case 10:
			return float_bits(-1e30f);
		case 11:
			return float_bits(1e-40f);
		case 12:
			return 0x10000;
		default:
			return take_byte(in);
	}
}

static void
put(Input *in, BlockNumber block, uint32 at, int size)
{
	uint32		value = take_value(in);

	memcpy(damage(block) + at % (BLCKSZ - size + 1), &value, size);
}

static uint32
take_at(Input *in)
{
	return (uint16) (take_byte(in) | take_byte(in) << 8);
}

/* A field of what all pages have. */
static void
put_header(Input *in, BlockNumber block)
{
	static const struct
	{
		uint16		at;
		uint16		size;
	}			fields[] = {
		{offsetof(PageHeaderData, pd_lower), 2}, {offsetof(PageHeaderData, pd_upper), 2},
		{offsetof(PageHeaderData, pd_special), 2}, {BLCKSZ - 8, 4}, {BLCKSZ - 4, 2},
		{BLCKSZ - 2, 2}, {offsetof(PageHeaderData, pd_pagesize_version), 2},
	};
	int			i = take_byte(in) % lengthof(fields);

	put(in, block, fields[i].at, fields[i].size);
}

/* Of a slot: its state, count, row id, links, codes, neighbours, row. */
static void
put_slot(Input *in, BlockNumber block)
{
	static const uint8 places[] = {0, 1, 2, 4, 6, 8, 12, 16};
	uint32		slot = vdb_hnsw_slot_at(hnsw, take_byte(in) % hnsw->per_page);
	uint8_t		field = take_byte(in);
	uint32		at = field < 64 ? places[field % lengthof(places)] :
		field < 160 ? hnsw->list_at + (field - 64) % hnsw->neighbours * 4 :
		hnsw->row_at + (field - 160) * 4;

	put(in, block, SizeOfPageHeaderData + slot + at, at < 2 ? 1 : at < 8 ? 2 : 4);
}

/* Of a lane of a lead page: its row id, and what comes after the codes. */
static void
put_lane(Input *in, BlockNumber block)
{
	bool		directory = block == ivf->meta.directory;
	const VdbIvfShape *shape = directory ? &ivf->directory : &ivf->list;
	uint32		lane = take_byte(in) % shape->lanes;
	uint8_t		field = take_byte(in);
	VdbIvfLead *lead = vdb_ivf_lead((Page) fuzz_page(block));
	char	   *at = field % 4 < 2 ? (char *) vdb_ivf_tid(shape, lead, lane) + field % 3 * 2 :
		directory ? (char *) vdb_ivf_info(shape, lead, lane) + field / 4 % 6 * 4 :
		vdb_ivf_block(shape, lead, lane / VDB_BLOCK) + field / 4 * 4 % shape->stride;

	put(in, block, at - fuzz_page(block), field % 4 < 2 ? 2 : 4);
}

static void
put_field(Input *in)
{
	BlockNumber block = take_damaged(in);
	uint8_t		kind = take_byte(in);

	if (kind % 4 == 0)
		put_header(in, block);
	else if (kind % 4 == 1)
		put(in, block, SizeOfPageHeaderData + take_byte(in) % 24 * 4, 4);
	else if (hnsw != NULL)
		put_slot(in, block);
	else
		put_lane(in, block);
}

static void
fill(Input *in)
{
	char	   *page = damage(take_damaged(in));
	uint32		at = take_at(in) % BLCKSZ;
	uint32		n = take_at(in) % (BLCKSZ - at + 1);
	pg_prng_state random;

	pg_prng_seed(&random, take_byte(in));
	for (uint32 i = 0; i < n; i++)
		page[at + i] = pg_prng_uint32(&random);
}

static void
copy_part(Input *in)
{
	const char *from = fuzz_own_page(take_block(in));
	BlockNumber block = take_damaged(in);
	uint32		a = take_at(in) % BLCKSZ,
				b = take_at(in) % BLCKSZ,
				n = take_at(in) % (BLCKSZ - Max(a, b) + 1);

	memmove(damage(block) + b, from + a, n);
}

static void
put_bytes(Input *in)
{
	BlockNumber block = take_damaged(in);
	uint32		at = take_at(in) % BLCKSZ;
	uint32		n = take_byte(in);

	take(in, damage(block) + at, Min(n, BLCKSZ - at));
}

static void
put_other(Input *in)
{
	const FuzzWorld *other = &fuzz_worlds[take_byte(in) % fuzz_nworlds];
	BlockNumber block = take_damaged(in);

	memcpy(damage(block), other->pages + (Size) (take_byte(in) % other->nblocks) * BLCKSZ, BLCKSZ);
}

static void
swap_pages(Input *in)
{
	BlockNumber a = take_block(in),
				b = take_block(in);
	char		copy[BLCKSZ];

	memcpy(copy, damage(a), BLCKSZ);
	memcpy(fuzz_page(a), damage(b), BLCKSZ);
	memcpy(fuzz_page(b), copy, BLCKSZ);
}

static void
cut(Input *in)
{
	fuzz_truncate(take_block(in));
	fuzz_sound = fuzz_logged = false;
}

/* ---- statements ---- */

/* A value of a row, or something that none has. */
static void
take_query(Input *in, FuzzSearch *search)
{
	uint8_t		row = take_byte(in);

	search->query = fuzz_rows[row].values[0];
	search->null = search->query == 0 || row == 255;
}

static void
take_key(Input *in, FuzzSearch *search)
{
	ScanKeyData *key = &search->keys[search->nkeys];
	uint8_t		how = take_byte(in);
	int			column = 1 + how % 4 % (world->table.ncolumns - 1);
	Oid			type = world->table.columns[column];

	memset(key, 0, sizeof(*key));
	key->sk_attno = column + 1;
	key->sk_strategy = type == INT4ARRAYOID ? VDB_AM_OVERLAPS + how / 4 % 2 :
		type == TEXTOID ? VDB_AM_EQUAL : VDB_AM_LESS + how / 4 % 5;
	key->sk_func.fn_oid = 1;
	if (how >= 224)
		key->sk_flags = SK_ISNULL | (how & 1 ? SK_SEARCHNULL : SK_SEARCHNOTNULL);
	else
		key->sk_argument = fuzz_value(type, take_byte(in));
	search->nkeys++;
}

/* Some rows, as a bitmap has them. */
static VdbScanTids *
take_tids(Input *in)
{
	VdbScanTids *tids = palloc0(sizeof(VdbScanTids));
	uint8_t		every = take_byte(in) % 16 + 1;

	tids->nblocks = fuzz_heap_blocks;
	tids->stride = 32;
	tids->bits = palloc0(tids->nblocks * tids->stride / 8);
	for (int row = 0; row < fuzz_nrows; row += every)
	{
		int			bit = row / FUZZ_ROWS_PER_PAGE * 32 + row % FUZZ_ROWS_PER_PAGE + 1;

		tids->bits[bit / 8] |= 1 << bit % 8;
		tids->count++;
	}
	return tids;
}

static void
run_search(Input *in)
{
	FuzzSearch	search = {.part = VDB_AM_ALL,.times = 1};
	uint8_t		how = take_byte(in);

	take_query(in, &search);
	search.rows = how & 1 ? 5 : PG_INT32_MAX;
	search.times += (how & 2) != 0;
	if (how & 4)
		for (int i = 0; i <= how / 64 && world->table.ncolumns > 1; i++)
			take_key(in, &search);
	if (how & 8)
		search.within = take_tids(in);
	if (how & 16)
		search.part = take_byte(in) % (VDB_AM_ALL + 1);
	fuzz_search(&search);
}

static void
run_set(Input *in)
{
	static const char *const settings[][2] = {
		{"hnsw.ef_search", "1"}, {"hnsw.ef_search", "40"}, {"hnsw.ef_search", "1000"},
		{"hnsw.iterative_scan", "off"}, {"hnsw.iterative_scan", "strict_order"},
		{"hnsw.max_scan_tuples", "1"}, {"hnsw.scan_mem_multiplier", "1000"},
		{"vecdb.target_recall", "0.99"}, {"vecdb.target_recall", "1"}, {"ivf.probes", "1"},
		{"ivf.probes", "1000000"}, {"ivf.recall", "0.5"}, {"ivfflat.probes", "32768"},
		{"ivfflat.iterative_scan", "off"}, {"ivfflat.max_probes", "2"},
	};
	int			i = take_byte(in) % lengthof(settings);

	CHECK(fuzz_set(settings[i][0], settings[i][1]));
}

static void
run_vacuum(Input *in)
{
	uint8_t		how = take_byte(in);

	if (fuzz_standby)
		return;
	for (int row = 0; row < fuzz_nrows && how >= 32; row++)
		if (row % (how % 32 + 1) == how / 32)
			fuzz_live[row] = false;
	fuzz_vacuum(how >= 32);
}

static void
run_insert(Input *in)
{
	uint8_t		how = take_byte(in);

	if (!fuzz_standby)
		fuzz_insert(how % 16 + 1, how >= 128);
}

/* Statements; false for a letter that is none. */
static bool
run_statement(uint8_t letter, Input *in)
{
	switch (letter)
	{
		case 's':
			run_search(in);
			return true;
		case 'i':
			run_insert(in);
			return true;
		case 'v':
			run_vacuum(in);
			return true;
		case 'c':
			fuzz_check(take_byte(in) % 2 == 0);
			return true;
		case 'n':
			fuzz_census();
			return true;
		case 'r':
			fuzz_index->rd_amcache = NULL;
			return true;
		case 'x':
			fuzz_cancel_after = 1 + take_byte(in) * (take_byte(in) % 4 == 3 ? 16 : 1);
			return true;
		case 'g':
			run_set(in);
			return true;
		case 'e':
			if (fuzz_nblocks > 0)
				fuzz_free[take_block(in)] = true;
			return true;
	}
	return false;
}

static void
run_damage(uint8_t letter, Input *in)
{
	BlockNumber block;
	char	   *page;

	if (fuzz_nblocks == 0)
		return;
	switch (letter)
	{
		case 'b':
			block = take_damaged(in);
			put(in, block, take_at(in), 1);
			break;
		case 'h':
			block = take_damaged(in);
			put(in, block, take_at(in), 2);
			break;
		case 'w':
			block = take_damaged(in);
			put(in, block, take_at(in) & ~3, 4);
			break;
		case 'f':
			page = damage(take_damaged(in));
			page[take_at(in) % BLCKSZ] ^= 1 << take_byte(in) % 8;
			break;
		case 'a':
			put_field(in);
			break;
		case 'z':
			memset(damage(take_damaged(in)), 0, BLCKSZ);
			break;
		case 'p':
			swap_pages(in);
			break;
		case 'o':
			put_other(in);
			break;
		case 'm':
			fill(in);
			break;
		case 't':
			cut(in);
			break;
		case 'k':
			copy_part(in);
			break;
		case 'l':
			put_bytes(in);
			break;
	}
}

/* What an index goes through that nobody knows to be damaged. */
static void
run_usual(void)
{
	FuzzSearch	search = {.query = fuzz_rows[2].values[0],.part = VDB_AM_ALL,.times = 1,.rows = PG_INT32_MAX};

	fuzz_search(&search);
	fuzz_check(true);
	if (fuzz_standby)
		return;
	fuzz_insert(9, false);
	for (int row = 0; row < fuzz_nrows; row += 3)
		fuzz_live[row] = false;
	fuzz_vacuum(true);
	fuzz_search(&search);
	fuzz_census();
	fuzz_check(true);
}

/* What both kinds of programs begin with. */
static void
open_world(Input *in, uint8_t *how)
{
	uint8_t		number = take_byte(in);
	const VdbAmKind *kind;

	*how = take_byte(in);
	programs++;
	fuzz_take_kernel(fuzz_nkernels - 1 - *how / 16 % fuzz_nkernels);
	world = &fuzz_worlds[number % fuzz_nworlds];
	fuzz_world_open(world);
	fuzz_unseen = (*how & UNSEEN) != 0;
	fuzz_standby = (*how & STANDBY) != 0;
	fuzz_all_gone = (*how & ALL_GONE) != 0;
	memset(fuzz_damaged, 0, sizeof(fuzz_damaged));
	only = InvalidBlockNumber;
	kind = vdb_am_kind(fuzz_index);
	hnsw = NULL;
	ivf = NULL;
	if (strcmp(world->table.am, "hnsw") == 0)
		hnsw = vdb_hnsw_describe(kind, (const VdbHnswMeta *) vdb_page_contents((Page) world->pages));
	else
		ivf = vdb_ivf_describe(kind, (const VdbIvfMeta *) vdb_page_contents((Page) world->pages));
}

/* At the end, what was done in all. */
static void
tell_counts(void)
{
	fprintf(stderr, "stat::programs: %llu\nstat::damaged_pages: %llu\nstat::read_pages: %llu\nstat::statements: %llu\n",
			(unsigned long long) programs, (unsigned long long) fuzz_damaged_reads,
			(unsigned long long) fuzz_reads, (unsigned long long) fuzz_statements);
}

void
fuzz_pages_prepare(void)
{
	fuzz_worlds_create();
	fuzz_reads = fuzz_statements = 0;
	atexit(tell_counts);
}

/* The next letter; other bytes stand for one, too. */
static uint8_t
take_letter(Input *in, const char *letters)
{
	uint8_t		letter = take_byte(in);

	if (letter == '\0' || strchr(letters, letter) == NULL)
		letter = letters[letter % strlen(letters)];
	return letter;
}

void
fuzz_pages(Input in)
{
	uint8_t		how;
	int			statements = 0;

	open_world(&in, &how);
	fuzz_buffers_begin();
	while (in.left > 0 && statements < MOST_STATEMENTS)
	{
		uint8_t		letter = take_letter(&in, "sivcnrxgebhwfazpomtkl");

		if (run_statement(letter, &in))
			statements++;
		else
			run_damage(letter, &in);
	}
	if ((how & SHORT) == 0)
		run_usual();
}

void
fuzz_one_page(Input in)
{
	uint8_t		how;
	uint8_t		bytes[STATEMENT_BYTES];
	Input		statement = {bytes, STATEMENT_BYTES};

	open_world(&in, &how);
	/* of a damaged index nobody asks whether it is in WAL */
	fuzz_logged = false;
	fuzz_buffers_begin();
	only = take_block(&in);
	take(&in, bytes, sizeof(bytes));
	while (in.left > 0)
		run_damage(take_letter(&in, "bhwfazomkl"), &in);
	if (memcmp(fuzz_own_page(only), world->pages + (Size) only * BLCKSZ, BLCKSZ) != 0)
		run_statement(take_letter(&statement, "sivcn"), &statement);
}

const Target fuzz_targets[] = {
	{"page", fuzz_one_page, fuzz_pages_prepare},
	{"pages", fuzz_pages, fuzz_pages_prepare},
	{"options", fuzz_options, fuzz_options_prepare},
	{NULL}
};

# vecdb: vector search inside PostgreSQL
#
#   make && make install   build and install into the PostgreSQL of pg_config
#   make demo              install what is missing, build, show it at work
#   make install-vector    install an extension "vector", for clients of pgvector
#   make test              install what is missing, build, run every test
#   make torture SCENARIO=kill-hnsw N=1000   crash it a thousand times
#   make bench             measure beside other vector indexes, write a report
#
# PG_CONFIG=/path/to/pg_config chooses among several PostgreSQL versions.

EXTENSION = vecdb
EXTVERSION = 0.1.0
MODULE_big = vecdb
DATA = $(filter-out $(DATA_built),$(wildcard sql/vecdb--*.sql)) sql/vecdb--pgvector.control
DATA_built = sql/vecdb--pgvector.sql
OBJS = $(patsubst %.c,%.o,$(wildcard src/*.c src/*/*.c src/am/*/*.c))

# Only what is marked is exported: another vector
# extension may be loaded into the same backend.  PostgreSQL 15 leaves the mark
# empty; the later ones define it with these very words.
PG_CPPFLAGS = -I$(srcdir)/src -DPGDLLEXPORT='__attribute__((visibility("default")))'
PG_CFLAGS = -fvisibility=hidden -ftree-vectorize -pthread -Wshadow $(WERROR)
SHLIB_LINK = -pthread
# WERROR=-Werror is what the tests build with.
WERROR =

# FAULTS=1, in a tree of its own, has the faults and pauses of src/point.
PG_CPPFLAGS += $(if $(FAULTS),-DVDB_POINTS)

REGRESS = $(patsubst sql/%.sql,%,$(filter-out sql/vecdb--%.sql,$(wildcard sql/*.sql)))
REGRESS_OPTS = --inputdir=. --load-extension=vecdb

# LLVM bitcode would only let the JIT inline the thin SQL wrappers, whose work
# is behind a function pointer anyway, and would make clang a build dependency.
override with_llvm = no

# The goals that need nothing from PostgreSQL, because they install it first.
SETUP_GOALS = demo demo-remove test torture bench bench-quick

ifneq ($(filter $(SETUP_GOALS),$(MAKECMDGOALS)),)

.PHONY: $(SETUP_GOALS)

demo:
	@test/demo/demo

demo-remove:
	@test/demo/demo --remove

# make test ONLY=name runs one; test/README.md lists them.
test:
	@test/run $(ONLY)

# make torture SCENARIO="name..." N=1000 SEED=7; test/torture/README.md tells more.
torture:
	@VECDB_TORTURE_N=$(or $(N),100) VECDB_TORTURE_SEED=$(SEED) \
		test/run $(addprefix torture/,$(or $(SCENARIO),$(error which SCENARIO?)))

# make bench PG=18 SETS="sift128 file.hdf5" SIZE=1M OUT=folder ARGS="--help";
# test/bench/README.md tells more.
bench:
	@test/bench/bench $(if $(PG),--pg $(PG)) $(if $(SETS),--sets $(SETS)) \
		$(if $(SIZE),--size $(SIZE)) $(if $(OUT),--out $(OUT)) $(ARGS)

bench-quick:
	@test/bench/bench --quick $(if $(PG),--pg $(PG)) $(if $(OUT),--out $(OUT)) $(ARGS)

else

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# Scripts that have all of the install script in them.
INSTALL_SQL = sql/$(EXTENSION)--$(EXTVERSION).sql
VECTOR_SQL = sql/pgvector/vector--$(shell sed -n "s/^default_version = '\(.*\)'/\1/p" \
	$(srcdir)/sql/pgvector/vector.control).sql

$(DATA_built): sql/pgvector/take_over.sql.in $(INSTALL_SQL)
$(VECTOR_SQL): sql/pgvector/vector.sql.in $(INSTALL_SQL)

$(DATA_built) $(VECTOR_SQL):
	sed -e '/^@INSTALL@$$/{r $(INSTALL_SQL)' -e 'd;}' \
		-e 's/@VERSION@/$(EXTVERSION)/' $< >$@

EXTRA_CLEAN = $(VECTOR_SQL)

# An extension "vector" that is vecdb.  Where pgvector is installed, only with
# REPLACE=yes, and it is gone then.
vector_dir = $(DESTDIR)$(datadir)/extension

.PHONY: install-vector uninstall-vector

install-vector: install $(VECTOR_SQL)
	@if [ -e '$(vector_dir)/vector.control' ] && [ '$(REPLACE)' != yes ] && \
		! grep -q vecdb '$(vector_dir)/vector.control'; then \
		echo 'pgvector is installed in $(vector_dir): an extension "vector" of vecdb' \
			'would replace it.  REPLACE=yes does that; doc/pgvector.md says what it means.' >&2; \
		exit 1; \
	fi
	rm -f '$(vector_dir)'/vector--*.sql
	$(INSTALL_DATA) $(srcdir)/sql/pgvector/vector.control $(VECTOR_SQL) '$(vector_dir)/'

uninstall-vector:
	@if ! grep -q vecdb '$(vector_dir)/vector.control'; then \
		echo 'the extension "vector" in $(vector_dir) is not of vecdb' >&2; \
		exit 1; \
	fi
	rm -f '$(vector_dir)/vector.control' '$(vector_dir)'/vector--*.sql

# Every object is rebuilt when any header changes: the tree is small enough.
$(OBJS): $(wildcard src/*.h src/*/*.h src/am/*/*.h)

endif

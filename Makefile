# vecdb: vector search inside PostgreSQL
#
#   make && make install   build and install into the PostgreSQL of pg_config
#   make demo              install what is missing, build, show it at work
#   make test              install what is missing, build, run every test
#   make bench             measure beside other vector indexes, write a report
#
# PG_CONFIG=/path/to/pg_config chooses among several PostgreSQL versions.

EXTENSION = vecdb
EXTVERSION = 0.1.0
MODULE_big = vecdb
DATA = $(wildcard sql/vecdb--*.sql)
OBJS = $(patsubst %.c,%.o,$(wildcard src/*.c src/*/*.c src/am/*/*.c))

# Only what is marked is exported: another vector
# extension may be loaded into the same backend.  PostgreSQL 15 leaves the mark
# empty; the later ones define it with these very words.
PG_CPPFLAGS = -I$(srcdir)/src -DPGDLLEXPORT='__attribute__((visibility("default")))'
PG_CFLAGS = -fvisibility=hidden -ftree-vectorize -pthread -Wshadow $(WERROR)
SHLIB_LINK = -pthread
# WERROR=-Werror is what the tests build with.
WERROR =

REGRESS = $(patsubst sql/%.sql,%,$(filter-out sql/vecdb--%.sql,$(wildcard sql/*.sql)))
REGRESS_OPTS = --inputdir=. --load-extension=vecdb

# LLVM bitcode would only let the JIT inline the thin SQL wrappers, whose work
# is behind a function pointer anyway, and would make clang a build dependency.
override with_llvm = no

# The goals that need nothing from PostgreSQL, because they install it first.
SETUP_GOALS = demo demo-remove test bench bench-quick

ifneq ($(filter $(SETUP_GOALS),$(MAKECMDGOALS)),)

.PHONY: $(SETUP_GOALS)

demo:
	@test/demo/demo

demo-remove:
	@test/demo/demo --remove

# make test ONLY=name runs one; test/README.md lists them.
test:
	@test/run $(ONLY)

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

# Every object is rebuilt when any header changes: the tree is small enough.
$(OBJS): $(wildcard src/*.h src/*/*.h src/am/*/*.h)

endif

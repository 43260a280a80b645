# shellcheck shell=bash
# For suites whose clients say CREATE EXTENSION IF NOT EXISTS vector: make
# install-vector is for them.  Uses the environment of the suites and test/lib/setup.sh.

# vdb_shim: install vecdb's extension "vector" into this run's copy of
# PostgreSQL.  vdb_unshim: what of pgvector is in that copy comes back.
vdb_shim() {
    local extension
    extension=$("$VDB_BIN/pg_config" --sharedir)/extension
    [[ $extension == "$VDB_WORK"/* ]] || vdb_die "$extension: not a copy"
    mkdir -p "$VDB_WORK/pgvector-files"
    find "$extension" -name 'vector*' -exec cp -p -t "$VDB_WORK/pgvector-files" {} +
    make -s install-vector REPLACE=yes PG_CONFIG="$PG_CONFIG" DESTDIR="$VDB_WORK/pg"
}
vdb_unshim() {
    local extension
    extension=$("$VDB_BIN/pg_config" --sharedir)/extension
    rm -f "$extension/vector.control" "$extension"/vector--*.sql
    find "$VDB_WORK/pgvector-files" -type f -exec cp -p -t "$extension" {} +
}

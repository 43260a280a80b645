"""The statements of ann-benchmarks' module for pgvector, against vecdb.

    ann_benchmarks_sql.py [SCENARIO...]     scenarios.py prints their names

The variables of libpq (PGHOST, PGPORT, PGUSER, PGDATABASE) say where the
server is; ann-benchmarks' own image makes the role and the database ann, and
in it the extension.

ann-benchmarks is not on PyPI, so this says what its module says, in the same
order and by the same means (psycopg 3, the types of pgvector-python, binary
COPY, prepared statements with binary results), but is not that program.  The
statements are those of

    github.com/erikbern/ann-benchmarks
    ann_benchmarks/algorithms/pgvector/module.py, config.yml and Dockerfile
    at commit f402b2cc17b980d7cd45241ab5a7a4cc0f965e55
"""
import functools
import os
import threading

import numpy
import psycopg
from pgvector.psycopg import register_vector

import common
import scenarios

OPERATOR = {"angular": "<=>", "euclidean": "<->"}
OPCLASS = {"angular": "vector_cosine_ops", "euclidean": "vector_l2_ops"}
DISTANCE = {"angular": "COSINE", "euclidean": "L2"}
INDEX = "items_embedding_idx"
EF_CONSTRUCTION = 200
EF_SEARCH = (10, 20, 40, 80, 120, 200, 400, 800)
# From this on the recall has to be good; below it is what the user gave up.
EF_GOOD = 120

VECTORS, QUERIES = common.load()
ALL = numpy.ones(len(VECTORS), bool)


def connect():
    return psycopg.connect(autocommit=True, user=os.environ["PGUSER"],
                           dbname=os.environ["PGDATABASE"],
                           password=os.environ.get("PGPASSWORD", "ann"))


class Progress(threading.Thread):
    """Watches the index being built from a connection of its own."""

    def __init__(self):
        super().__init__()
        self.stop = threading.Event()
        self.seen = []

    def run(self):
        with connect() as connection, connection.cursor() as cursor:
            while not self.stop.is_set():
                cursor.execute(
                    "SELECT phase, round(100.0 * blocks_done / nullif(blocks_total, 0), 1),"
                    " tuples_done FROM pg_stat_progress_create_index")
                self.seen.append(cursor.fetchall())
                self.stop.wait(0.02)

    def check(self):
        common.expect(self.seen, "the progress could not be watched")
        rows = [row for rows in self.seen for row in rows]
        print("# progress:", sorted({phase for phase, _, _ in rows}))
        # The module prints both as numbers; NULL stands for none.
        for phase, percent, tuples in rows:
            common.expect(isinstance(phase, str) and 0 <= float(percent or 0) <= 100
                          and int(tuples or 0) >= 0, f"progress: {phase, percent, tuples}")


def create_extension(connection):
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS(SELECT 1 FROM pg_extension WHERE extname = 'vector')")
        if not cursor.fetchone()[0]:
            cursor.execute("CREATE EXTENSION vector")


def load(cursor):
    cursor.execute("DROP TABLE IF EXISTS items")
    cursor.execute(f"CREATE TABLE items (id int, embedding vector({VECTORS.shape[1]}))")
    cursor.execute("ALTER TABLE items ALTER COLUMN embedding SET STORAGE PLAIN")
    with cursor.copy("COPY items (id, embedding) FROM STDIN WITH (FORMAT BINARY)") as copy:
        copy.set_types(["int4", "vector"])
        for i, embedding in enumerate(VECTORS):
            copy.write_row((i, embedding))


def create_index(cursor, case):
    progress = Progress()
    progress.start()
    try:
        cursor.execute(f"CREATE INDEX ON items USING hnsw (embedding {OPCLASS[case.metric]})"
                       f" WITH (m = {case.m}, ef_construction = {EF_CONSTRUCTION})")
    finally:
        progress.stop.set()
        progress.join()
    progress.check()


def search(cursor, case, query, k):
    cursor.execute(f"SELECT id FROM items ORDER BY embedding {OPERATOR[case.metric]} %s LIMIT %s",
                   (query, k), binary=True, prepare=True)
    return [row for row, in cursor.fetchall()]


@functools.cache
def right(metric, number):
    return common.Right(common.distances(DISTANCE[metric], VECTORS, QUERIES[number]), ALL)


def search_exactly(cursor, case):
    """Without an index every answer is the right one."""
    for number, query in enumerate(QUERIES):
        answers = right(case.metric, number)
        for k in (common.K, common.K_MANY):
            answers.check(search(cursor, case, query, k), k, f"k = {k}")


def search_index(cursor, case, ef_search):
    """With one nearly every; there are as many as asked for.  Returns how
    many queries that took."""
    recall = common.Recall(f"{case.name}, ef_search {ef_search}")
    sizes = [k for k in (common.K, common.K_MANY) if k <= ef_search]
    for number, query in enumerate(QUERIES):
        answers = right(case.metric, number)
        for k in sizes:
            ids = search(cursor, case, query, k)
            answers.check_rows(ids, k, f"{recall.what}, k = {k}")
            if k == common.K:
                recall.add(answers.hits(ids, k), k)
    common.expect_settings(cursor, {"hnsw.ef_search": str(ef_search)})
    recall.check(common.RECALL if ef_search >= EF_GOOD else 0)
    return len(sizes) * len(QUERIES)


def run(case):
    server = common.Server()
    server.prefer_index(False)
    with connect() as connection:
        create_extension(connection)
        register_vector(connection)
        cursor = connection.cursor()
        load(cursor)
        search_exactly(cursor, case)
    server.prefer_index(True)
    scans = 0
    with connect() as connection:
        register_vector(connection)
        cursor = connection.cursor()
        create_index(cursor, case)
        for ef_search in EF_SEARCH:
            cursor.execute(f"SET hnsw.ef_search = {ef_search}")
            scans += search_index(cursor, case, ef_search)
        cursor.execute(f"SELECT pg_relation_size('{INDEX}')")
        common.expect(cursor.fetchone()[0] > 0, "the index is empty")
    server.expect_scans(INDEX, scans)


if __name__ == "__main__":
    common.main(scenarios.ann_benchmarks(), run)

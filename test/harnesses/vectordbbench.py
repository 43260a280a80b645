"""VectorDBBench's own client for pgvector, as it is on PyPI, against vecdb.

    vectordbbench.py [SCENARIO...]      scenarios.py prints their names

The variables of libpq (PGHOST, PGPORT, PGUSER, PGDATABASE) say where the
server is; the extension is there already, because the client looks up its
types before it creates it.

What VectorDBBench does with a client, and in which order, is what its runners
do: backend/task_runner.py and backend/runner/ of vectordb-bench 2.0.0.
"""
import functools
import os

import numpy
from vectordb_bench.backend.clients.api import MetricType
from vectordb_bench.backend.clients.pgvector.config import (
    PgVectorConfig, PgVectorHNSWConfig, PgVectorIVFFlatConfig)
from vectordb_bench.backend.clients.pgvector.pgvector import PgVector
from vectordb_bench.backend.filter import IntFilter, LabelFilter, non_filter

import common
import scenarios

TABLE, INDEX = "vdbbench_table_test", "pgvector_index"
BATCH = 500
# The larger of these is how many rows a reranking query fetches, too: the
# command line of VectorDBBench takes ef_search for it.
HNSW = {"m": 16, "ef_construction": 128, "ef_search": 100}
# As many lists as the square root of the rows.
IVFFLAT = {"lists": 64, "probes": 32}
# What the client makes of them, and of its own default.
SETTINGS = {
    "hnsw": {"hnsw.ef_search": "100", "hnsw.iterative_scan": "relaxed_order"},
    "ivfflat": {"ivfflat.probes": "32", "ivfflat.iterative_scan": "relaxed_order"},
}

VECTORS, QUERIES = common.load()
ROWS, DIM = VECTORS.shape
IDS = numpy.arange(ROWS)


def make_labels():
    """A label for each row: of a hundred rows one has the first, and so on."""
    shares = (("label_1p", 1), ("label_5p", 5), ("label_50p", 50), ("other", 44))
    names = [name for name, percent in shares for _ in range(percent)]
    return numpy.array(names)[IDS * 37 % 100]


LABELS = make_labels()


def db_config():
    return PgVectorConfig(
        host=os.environ["PGHOST"], port=int(os.environ["PGPORT"]),
        user_name=os.environ["PGUSER"], db_name=os.environ["PGDATABASE"],
        password=os.environ.get("PGPASSWORD", "none is asked for"),
        table_name=TABLE).to_dict()


def case_config(case):
    """What the command line of VectorDBBench would make of these options."""
    kind, options = ((PgVectorHNSWConfig, HNSW) if case.index == "hnsw"
                     else (PgVectorIVFFlatConfig, IVFFLAT))
    if case.reranking:
        options = {**options, "reranking": True, "reranking_metric": case.metric,
                   "quantized_fetch_limit": common.K_MANY}
    return kind(metric_type=MetricType[case.metric], quantization_type=case.quantization,
                table_quantization_type=case.table, **options, **case.config)


def make_client(case, config):
    return PgVector(DIM, db_config(), config, drop_old=True, with_scalar_labels=case.labels)


def filters(case):
    """The filters of VectorDBBench's cases, and which rows each lets through."""
    yield non_filter, numpy.ones(ROWS, bool)
    for rate in (0.01, 0.99):
        least = int(ROWS * rate)
        yield IntFilter(filter_rate=rate, int_value=least), IDS >= least
    if case.labels:
        for part in (0.01, 0.05, 0.5):
            label = LabelFilter(label_percentage=part)
            yield label, LABELS == label.label_value


@functools.cache
def distances(metric, stored, compared, number):
    """From query number so to all rows, as they are stored and compared."""
    rows, query = VECTORS, QUERIES[number]
    if "halfvec" in (stored, compared):
        rows = rows.astype(numpy.float16)
    if compared == "halfvec":
        query = query.astype(numpy.float16)
    return common.distances("HAMMING" if compared == "bit" else metric, rows, query)


def right(case, number, allowed):
    """What the client's query has to find."""
    compared = "bit" if case.table == "bit" else case.quantization
    first = distances(case.metric, case.table, compared, number)
    if not case.reranking:
        return common.Right(first, allowed)
    second = distances(case.metric, case.table, case.table, number)
    return common.Reranked(first, common.K_MANY, second, allowed)


def insert(client, case):
    with client.init():
        for start in range(0, ROWS, BATCH):
            part = slice(start, start + BATCH)
            labels = LABELS[part].tolist() if case.labels else None
            count, error = client.insert_embeddings(
                VECTORS[part].tolist(), IDS[part].tolist(), labels_data=labels)
            common.expect(error is None, f"the client could not insert: {error}")
            common.expect(count == len(IDS[part]), f"the client inserted {count} rows")


def describe(rows, k):
    return f"{rows.type} {rows.filter_rate:.2f}, k = {k}"


def search(client, number, k):
    return client.search_embedding(QUERIES[number].tolist(), k)


def search_exactly(client, case):
    """Without an index every answer is the right one."""
    with client.init():
        for rows, allowed in filters(case):
            client.prepare_filter(rows)
            for number in range(12):
                answers = right(case, number, allowed)
                for k in (common.K, common.K_MANY):
                    answers.check(search(client, number, k), k, describe(rows, k))


def search_index(server, client, case):
    """With one nearly every; and there are always as many as asked for."""
    for rows, allowed in filters(case):
        recall = common.Recall(f"{case.name}, {describe(rows, common.K)}")
        before = server.scans(INDEX)
        with client.init():
            client.prepare_filter(rows)
            for number in range(len(QUERIES)):
                answers = right(case, number, allowed)
                ids = search(client, number, common.K)
                answers.check_rows(ids, common.K, describe(rows, common.K))
                recall.add(answers.hits(ids, common.K), len(ids))
                many = search(client, number, common.K_MANY)
                answers.check_rows(many, common.K_MANY, describe(rows, common.K_MANY))
            common.expect_settings(client.cursor, SETTINGS[case.index])
        # An ivfflat index looks at the lists that are nearest to the query,
        # and these may have enough rows that the filter lets through, if not
        # the nearest of them: a filter's recall is what the user's probes make
        # it.
        recall.check(0 if case.index == "ivfflat" and rows is not non_filter
                     else common.RECALL)
        server.expect_scans(INDEX, before + 2 * len(QUERIES))


def run_index_first(server, case):
    """The index is made before the rows are, with the table."""
    config = case_config(case)
    client = make_client(case, config)
    insert(client, case)
    with client.init():
        client.optimize(data_size=ROWS)
    server.prefer_index(True)
    search_index(server, client, case)


def run(case):
    server = common.Server()
    server.prefer_index(False)
    if case.config.get("create_index_before_load"):
        run_index_first(server, case)
        return
    client = make_client(case, case_config(case))
    insert(client, case)
    search_exactly(client, case)
    with client.init():
        client.optimize(data_size=ROWS)
    server.prefer_index(True)
    search_index(server, client, case)


if __name__ == "__main__":
    common.main(scenarios.vectordbbench(), run)

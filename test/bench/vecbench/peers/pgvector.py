"""pgvector: exact search, and its access methods."""
import math

from .sql import Batch, Sql


class Pgvector(Sql):
    extension = "vector"


class Exact(Pgvector):
    name = "pgvector exact"
    about = "no index"
    params = [None]


class Hnsw(Pgvector):
    name = "pgvector hnsw"
    about = "m 16, ef_construction 64 (its defaults)"
    method = "hnsw"
    params = [10, 20, 40, 80, 160, 320, 640]
    filter_settings = {"": {}, "iterative": {"hnsw.iterative_scan": "relaxed_order"}}

    def settings_of(self, param):
        return super().settings_of(param) | {"hnsw.ef_search": param}


class HnswBatch(Batch, Hnsw):
    name = "pgvector hnsw batch"
    about = "the same, 32 queries in a statement"


class IvfFlat(Pgvector):
    name = "pgvector ivfflat"
    about = "lists = rows/1000, sqrt(rows) above a million (as its documentation advises)"
    method = "ivfflat"
    params = [1, 2, 4, 8, 16, 32, 64, 128, 256]
    filter_settings = {"": {}, "iterative": {"ivfflat.iterative_scan": "relaxed_order"}}

    def options(self, rows):
        lists = math.isqrt(rows) if rows > 1000000 else max(rows // 1000, 10)
        return f" WITH (lists = {lists})"

    def settings_of(self, param):
        return super().settings_of(param) | {"ivfflat.probes": param}


PEERS = [Exact, Hnsw, HnswBatch, IvfFlat]

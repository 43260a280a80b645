"""vecdb: exact search, and its access methods."""
from .sql import Sql


class Vecdb(Sql):
    extension = "vecdb"


class Exact(Vecdb):
    name = "vecdb exact"
    about = "no index"
    params = [None]


class Hnsw(Vecdb):
    name = "vecdb hnsw"
    about = "its defaults"
    method = "hnsw"
    params = [10, 20, 40, 80, 160, 320, 640]

    def settings_of(self, param):
        return super().settings_of(param) | {"hnsw.ef_search": param}


class Ivf(Vecdb):
    name = "vecdb ivf"
    about = "its defaults"
    method = "ivf"
    params = [1, 2, 4, 8, 16, 32, 64, 128, 256]

    def settings_of(self, param):
        return super().settings_of(param) | {"ivf.probes": param}


PEERS = [Exact, Hnsw, Ivf]

"""vecdb: exact search, and its access methods."""
from .sql import Batch, Sql

# What the planner can choose from, but for what it does choose.
PLANS = {"by order": {"enable_sort": "off", "vecdb.enable_filtered_scan": "off"},
         "by bitmap": {"enable_sort": "off", "enable_indexscan": "off"},
         "by sort": {"enable_indexscan": "off", "vecdb.enable_filtered_scan": "off"}}


class Vecdb(Sql):
    extension = "vecdb"
    # Filters are measured as it comes.
    filter_param = None

    def setting_of(self, name, param):
        return super().settings_of(param) | ({name: param} if param is not None else {})


class Exact(Vecdb):
    name = "vecdb exact"
    about = "no index"
    params = [None]


class Hnsw(Vecdb):
    name = "vecdb hnsw"
    about = "its defaults"
    method = "hnsw"
    params = [10, 20, 40, 80, 160, 320, 640]
    filter_settings = {"": {}} | PLANS

    def settings_of(self, param):
        return self.setting_of("hnsw.ef_search", param)


class HnswBatch(Batch, Hnsw):
    name = "vecdb hnsw batch"
    about = "the same, 32 queries in a statement"


class Ivf(Vecdb):
    name = "vecdb ivf"
    about = "its defaults"
    method = "ivf"
    params = [1, 2, 4, 8, 16, 32, 64, 128, 256]
    filter_settings = {"": {}} | PLANS

    def settings_of(self, param):
        return self.setting_of("ivf.probes", param)


class IvfBatch(Batch, Ivf):
    name = "vecdb ivf batch"
    about = "the same, 32 queries in a statement"


class HnswColumns(Hnsw):
    name = "vecdb hnsw columns"
    about = "its defaults, and the filters' columns in the index"
    columns = ("random_rank", "near_rank", "id")
    only_filters = True


class IvfColumns(Ivf):
    name = "vecdb ivf columns"
    about = "its defaults, and the filters' columns in the index"
    columns = ("random_rank", "near_rank", "id")
    only_filters = True


PEERS = [Exact, Hnsw, HnswBatch, HnswColumns, Ivf, IvfBatch, IvfColumns]

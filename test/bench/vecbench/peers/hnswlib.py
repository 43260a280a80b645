"""hnswlib, the reference implementation of HNSW."""
from .library import Library


class Hnsw(Library):
    name = "hnswlib"
    about = "M 16, ef_construction 200 (its defaults)"
    params = [10, 20, 40, 80, 160, 320, 640]

    @staticmethod
    def module():
        import hnswlib
        return hnswlib

    def make(self):
        self.index = self.empty()
        # Room for what the benchmark inserts.
        room = len(self.base) + len(self.data.others)
        self.index.init_index(room, ef_construction=200, M=16)
        self.index.add_items(self.base)

    def threads(self, count):
        self.index.set_num_threads(count)

    def find(self, queries, k, param):
        self.index.set_ef(max(param, k))
        return self.index.knn_query(queries, k)[0]

    def add(self, rows):
        self.index.add_items(rows)

    def save(self, path):
        self.index.save_index(path)

    def open(self, path):
        self.index = self.empty()
        self.index.load_index(path)

    def empty(self):
        space = "l2" if self.data.metric == "l2" else "ip"
        return self.module().Index(space, self.base.shape[1])


PEERS = [Hnsw]

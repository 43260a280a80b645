"""What the libraries share: an index in the worker's own memory."""
import os
import pathlib
import tempfile
import time

import numpy as np

from ..answers import Answers
from ..server import drop_files

# Queries given to a library in one call.  Enough that the call itself does not
# count, few enough that a slice ends in time.
TOGETHER = {False: 32, True: 256}


class Library:
    """A peer that is a library.  A subclass makes self.index in make(), and
    answers find(queries, k, param) with an array of row numbers."""
    is_sql = False
    only_filters = False
    only_search = False
    metrics = ("l2", "cosine", "ip")

    def __init__(self, data):
        self.data = data
        # Every library's cosine is the inner product of unit vectors.
        unit = data.metric == "cosine"
        self.base, self.queries = (normalised(x) if unit else x for x in (data.base, data.queries))

    @classmethod
    def missing(cls, _server):
        """None, or why it cannot be measured here."""
        try:
            cls.module()
        except ImportError as error:
            return f"{error} (pip install it into the environment of the benchmark)"
        return None

    def build(self):
        start = time.perf_counter()
        self.make()
        seconds = time.perf_counter() - start
        return {"seconds": seconds, "bytes": self.size()}

    def search(self, param, k, start, seconds, clients=1, single=False, limit=None):
        """Queries from number start on, for about so many seconds and at most
        limit of them: asked together, as is best for a library, or one by one,
        as is needed to know the time of each."""
        self.threads(clients)
        count = len(self.queries)
        step = 1 if single else TOGETHER[clients > 1]
        asked, ids, times = [], [], []
        begin = now = time.perf_counter_ns()
        end = begin + int(seconds * 1e9)
        while now < end and (limit is None or len(asked) * step < limit):
            which = np.arange(start, start + step) % count
            block = self.queries[which]
            before = time.perf_counter_ns()
            ids.append(self.find(block, k, param))
            now = time.perf_counter_ns()
            times.append(now - before)
            asked.append(which)
            start += step
        inside = sum(times)
        return Answers(np.concatenate(asked), np.concatenate(ids).astype(np.int64), (now - begin) / 1e9,
                       np.array(times) if single else None, now - begin - inside)

    def insert(self, rows):
        """Seconds to add rows in one call."""
        start = time.perf_counter()
        self.add(rows)
        return time.perf_counter() - start

    def insert_one_by_one(self, rows):
        start = time.perf_counter()
        for i in range(len(rows)):
            self.add(rows[i:i + 1])
        return time.perf_counter() - start

    def cold(self, param, k, count):
        """Milliseconds from a file that is not in memory to the first answer,
        and the mean of the next count - 1."""
        with tempfile.TemporaryDirectory(prefix="vecbench.") as folder:
            path = os.path.join(folder, "index")
            self.save(path)
            os.sync()
            dropped = drop_files(pathlib.Path(folder))
            self.index = None
            start = time.perf_counter()
            self.open(path)
            self.find(self.queries[:1], k, param)
            first = time.perf_counter()
            for i in range(1, count):
                self.find(self.queries[i:i + 1], k, param)
            rest = time.perf_counter() - first
        return {"first_ms": (first - start) * 1e3, "next_ms": rest * 1e3 / (count - 1),
                "caches_dropped": dropped}

    def size(self):
        """Bytes of the index as a file."""
        with tempfile.TemporaryDirectory(prefix="vecbench.") as folder:
            path = os.path.join(folder, "index")
            self.save(path)
            return os.path.getsize(path)


def normalised(x):
    """The rows at length 1."""
    length = np.linalg.norm(x, axis=1, keepdims=True)
    return (x / np.where(length == 0, 1, length)).astype(np.float32)

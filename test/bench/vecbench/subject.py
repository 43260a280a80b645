"""A peer with its index over one data set, seen from the benchmark."""
import importlib

from . import datasets
from .answers import Answers
from .worker import PeakMemory, Worker

# How far from each other clients begin in the queries.
APART = 97


class Subject:
    """Its worker processes: the first makes the index and searches; further
    ones are the other clients of a server."""

    def __init__(self, peer, spec, server):
        """spec: what datasets.load takes, as a dict."""
        self.peer = peer
        self.name = peer.name
        self.spec = spec
        self.server = server
        self.workers = []
        self._need_workers(1)

    def _need_workers(self, count):
        dsn = self.server.dsn(self.peer.database()) if self.peer.is_sql else None
        while len(self.workers) < count:
            self.workers.append(Worker(__name__, "make_peer", self.peer.__module__,
                                       self.peer.__name__, self.spec, dsn))

    def call(self, method, *args, **kwargs):
        return self.workers[0].call(method, *args, **kwargs)

    def build(self, random_rank, near_rank):
        """Load the rows and make the index: its seconds, bytes, and the peak
        of the memory that took besides the rows' own and the server's buffers."""
        if self.peer.is_sql:
            self.call("load", random_rank, near_rank)
        with PeakMemory(self.server.memory if self.peer.is_sql else self.workers[0].memory) as peak:
            result = self.call("build")
        if self.peer.is_sql:
            result |= self.call("settle")
        return result | {"peak_bytes": peak.bytes}

    def search(self, param, k, start, seconds, clients=1, **options):
        """Answers of that many clients at the same time."""
        if not self.peer.is_sql:
            return self.call("search", param, k, start, seconds, clients=clients, **options)
        self._need_workers(clients)
        for i, worker in enumerate(self.workers[:clients]):
            worker.start("search", param, k, start + i * APART, seconds, **options)
        return Answers.together([w.finish() for w in self.workers[:clients]])

    def disconnect(self):
        for worker in self.workers:
            worker.call("disconnect")

    def can(self, method):
        return hasattr(self.peer, method)

    def stop(self):
        """Give back what it holds: its processes, and its table."""
        if self.peer.is_sql:
            self.call("drop")
        for worker in self.workers:
            worker.stop()


def make_peer(module, name, spec, dsn):
    """What a worker makes."""
    peer = getattr(importlib.import_module(module), name)
    data = datasets.load(**spec, progress=False)
    return peer(data, dsn) if peer.is_sql else peer(data)

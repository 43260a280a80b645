"""A peer with its index over one data set, seen from the benchmark."""
import contextlib
import importlib
import os

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
        self.backends = {}
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
        with self.on_cores(clients) as workers:
            for i, worker in enumerate(workers):
                worker.start("search", param, k, start + i * APART, seconds, **options)
            return Answers.together([w.finish() for w in workers])

    @contextlib.contextmanager
    def on_cores(self, clients=1):
        """So many clients of a server, each on one core with its backend.  On two,
        each would wake the other's core up for every message, which takes longer
        than most searches where that is for a hypervisor to do."""
        self._need_workers(clients)
        workers = self.workers[:clients]
        cores = sorted(os.sched_getaffinity(0))
        pairs = [(w.process.pid, self._backend(w)) for w in workers]
        try:
            for i, pair in enumerate(pairs):
                keep_on(pair, {cores[i % len(cores)]})
            yield workers
        finally:
            for pair in pairs:
                keep_on(pair, cores)

    def _backend(self, worker):
        inner = worker.call("backend")
        if inner not in self.backends:
            self.backends[inner] = self.server.process_of(inner)
        return self.backends[inner]

    def disconnect(self):
        self.backends = {}
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


def keep_on(processes, cores):
    for pid in processes:
        os.sched_setaffinity(pid, cores)


def make_peer(module, name, spec, dsn):
    """What a worker makes."""
    peer = getattr(importlib.import_module(module), name)
    data = datasets.load(**spec, progress=False)
    return peer(data, dsn) if peer.is_sql else peer(data)

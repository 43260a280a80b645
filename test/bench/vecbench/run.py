"""A run: every data set, every measure, every peer, in turn."""
import datetime
import pathlib

import numpy as np
from tqdm import tqdm

from . import datasets, machine, report
from .context import Context
from .measures import change, cold, drift, filters, rounds, scarce, search
from .peers import all_peers
from .server import Server
from .store import Store
from .subject import Subject
from .worker import WorkerError

# In this order: rounds and drift make the indexes anew, change changes the rows, and
# scarce and cold leave nothing in memory.
MEASURES = {"search": search, "filters": filters, "rounds": rounds, "drift": drift,
            "change": change, "scarce": scarce, "cold": cold}


def server_conf(memory_gib):
    """The server's settings, by the usual advice for a machine with so much
    memory; a run writes no checkpoint and vacuums nothing unless it says so."""
    return [f"shared_buffers = {max(1, memory_gib // 4)}GB",
            f"maintenance_work_mem = {max(1, memory_gib // 8)}GB",
            f"effective_cache_size = {max(1, memory_gib // 2)}GB",
            "max_wal_size = 16GB", "checkpoint_timeout = 1h", "autovacuum = off", "jit = off",
            "random_page_cost = 1.1"]


class Run:
    def __init__(self, options):
        self.options = options
        about = machine.describe()
        self.conf = server_conf(about["memory_gib"])
        self.server = Server(options.pg, self.conf, options.cache / "servers")
        try:
            self.peers, missing = self.choose_peers()
            setup = about | {
                "server": self.server.version, "conf": self.conf, "missing": missing,
                "peers": {p.name: p.about for p in self.peers},
                "extensions": {p.extension: p.version(self.server)
                               for p in self.peers if p.is_sql},
                "asked": {name: getattr(options, name) for name in (
                    "sets", "size", "k", "seconds", "rounds", "clients", "measures", "growth")}}
            self.store = Store(options.out / "raw.json", setup)
        except BaseException:
            self.server.stop()
            raise

    def choose_peers(self):
        """The peers to measure, and by name why others cannot be."""
        peers, missing = [], {}
        for peer in all_peers():
            if not any(pathlib.PurePath(peer.name).match(w) for w in self.options.peers):
                continue
            why = peer.missing(self.server)
            if why:
                missing[peer.name] = why
                tqdm.write(f"missing: {peer.name}: {why}")
            else:
                peers.append(peer)
        if not peers:
            raise SystemExit("none of the peers asked for can be measured here")
        return peers, missing

    def everything(self):
        try:
            for name in self.options.sets:
                self.one_set(name, self.options.size, self.options.measures)
            for name in self.options.sets[:1] if self.options.growth else []:
                for size in self.options.growth:
                    try:
                        self.one_set(name, size, ["search"])
                    except datasets.Error as error:
                        tqdm.write(f"growth of {name} ends before {size:,} rows: {error}")
        finally:
            self.server.stop()
        report.write(self.options.out)

    def one_set(self, name, size, measures):
        """All measures of one data set at one size that are not there yet."""
        spec = {"name_or_path": name, "size": size, "cache": self.options.cache}
        data = datasets.load(**spec)
        prefix = f"{data.name}/{len(data.base)}"
        self.store.note(prefix, {"metric": data.metric, "dim": data.base.shape[1],
                                 "rows": len(data.base), "about": data.about})
        todo = [m for m in MEASURES if m in measures and f"{prefix}/{m}" not in self.store]
        if not todo:
            return
        subjects = {}
        try:
            ranks = filters.Ranks(data.base) if "filters" in todo else None
            subjects = self.build(prefix, spec, len(data.base), ranks,
                                  [p for p in self.peers if data.metric in p.metrics
                                   and (ranks or not p.only_filters)])
            context = Context(data=data, subjects=subjects, server=self.server, ranks=ranks,
                              k=self.options.k, seconds=self.options.seconds,
                              rounds=self.options.rounds, clients=self.options.clients,
                              pgbench=self.options.pgbench,
                              progress=lambda steps, what: tqdm(steps, f"{prefix}: {what}"))
            if f"{prefix}/search" in self.store:
                context.points = {n: r["operating"] for n, r in self.store[f"{prefix}/search"].items()}
            for measure in todo:
                context.subjects = {n: s for n, s in subjects.items()
                                    if (measure == "filters" or not s.peer.only_filters)
                                    and (measure == "search" or not s.peer.only_search)}
                self.store[f"{prefix}/{measure}"] = MEASURES[measure].measure(context)
        finally:
            for subject in subjects.values():
                subject.stop()

    def build(self, prefix, spec, rows, ranks, peers):
        """Load and index the data set for each peer; a peer that fails is
        named, and left out."""
        subjects, results = {}, {}
        unfiltered = np.arange(rows, dtype=np.int32)
        steps = tqdm(peers, f"{prefix}: building")
        for peer in steps:
            steps.set_postfix_str(peer.name)
            subject = Subject(peer, spec, self.server)
            try:
                results[peer.name] = subject.build(*(
                    (ranks.random, ranks.near) if ranks else (unfiltered, unfiltered)))
                subjects[peer.name] = subject
            except WorkerError as error:
                results[peer.name] = {"failed": str(error).strip().splitlines()[-1]}
                tqdm.write(f"failed: {peer.name}: {error}")
                subject.stop()
        # A run that goes on builds again, and keeps what it had measured.
        if f"{prefix}/build" not in self.store:
            self.store[f"{prefix}/build"] = results
        return subjects


def main(options):
    started = datetime.datetime.now(datetime.timezone.utc)
    run = Run(options)
    run.store.note("started", started.isoformat(timespec="seconds"))
    run.everything()

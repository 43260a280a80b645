"""Recall against queries per second, and latencies, of one and of many
clients.

Every point of every peer's curve is measured for a slice of time, in turn,
and all of that several times over: what the machine does meanwhile meets all
of them alike, and each round gives ratios of its own.
"""
import pathlib
import subprocess
import tempfile

import numpy as np

from ..curve import percentiles

# Of two points with this recall the faster is enough.
HIGH = 0.999
# The recall at which latencies, filters and changes are measured.
OPERATING = 0.95


class Point:
    """A peer with one search parameter."""

    def __init__(self, subject, param):
        self.subject = subject
        self.param = param
        self.next = 0
        self.qps = []
        self.own = []
        self.recalls = {}

    def run(self, context):
        answers = self.subject.search(self.param, context.k, self.next, context.seconds)
        self.next += len(answers.queries)
        self.qps.append(answers.qps)
        self.own.append(answers.own / len(answers.queries))
        new = [i for i, q in enumerate(answers.queries) if int(q) not in self.recalls]
        answers.queries, answers.ids = answers.queries[new], answers.ids[new]
        self.recalls.update(zip(answers.queries.tolist(), context.recall(answers)))

    @property
    def recall(self):
        return float(np.mean(list(self.recalls.values())))

    def result(self):
        return {"param": self.param, "recall": self.recall, "queries": len(self.recalls),
                "qps": self.qps, "own_ns": float(np.median(self.own))}


def measure(context):
    curves = {name: [Point(s, p) for p in s.peer.params] for name, s in context.subjects.items()}
    for _ in context.progress(range(context.rounds), "searching"):
        for i in range(max(map(len, curves.values()))):
            for points in curves.values():
                if i < len(points):
                    points[i].run(context)
        curves = {name: useful(points) for name, points in curves.items()}
    result = {}
    for name, points in curves.items():
        context.points[name] = operating_point(points)
        result[name] = {"points": [p.result() for p in points], "operating": context.points[name]}
    for clients in sorted({1, context.clients}):
        for name, latency in latencies(context, clients).items():
            result[name][f"clients_{clients}"] = latency
    for name, subject in context.subjects.items():
        if subject.peer.is_sql:
            result[name]["pgbench"] = pgbench(context, subject)
    return result


def useful(points):
    """The points up to the first that has a recall of HIGH."""
    for i, point in enumerate(points):
        if point.recall >= HIGH:
            return points[:i + 1]
    return points


def operating_point(points):
    """The first parameter that reaches OPERATING, or the best there is."""
    for point in points:
        if point.recall >= OPERATING:
            return point.param
    return max(points, key=lambda p: p.recall).param


def latencies(context, clients):
    """Of queries asked one by one, by so many clients at once."""
    parts = {name: [] for name in context.subjects}
    for _ in range(context.rounds):
        for name, subject in context.subjects.items():
            if clients > 1 and not subject.peer.is_sql:
                # A library's clients are threads of one call.
                options = {}
            else:
                options = {"single": True}
            parts[name].append(subject.search(context.points[name], context.k, 0, context.seconds,
                                              clients=clients, **options))
    result = {}
    for name, answers in parts.items():
        result[name] = {"qps": [a.qps for a in answers]}
        if answers[0].nanoseconds is not None:
            result[name] |= percentiles(np.concatenate([a.nanoseconds for a in answers]))
    return result


def pgbench(context, subject):
    """Transactions a second by pgbench, by number of clients: the same search
    by another client program, to check ours by."""
    script, options = subject.call("pgbench", context.points[subject.name], context.k)
    dsn = context.server.dsn(subject.peer.database())
    result = {}
    with tempfile.TemporaryDirectory(prefix="vecbench.") as folder:
        path = pathlib.Path(folder, "search.sql")
        path.write_text(script)
        for clients in sorted({1, context.clients}):
            out = subprocess.run(
                [context.pgbench, "-n", "-M", "prepared", "-c", str(clients), "-j", str(clients),
                 "-T", str(max(1, round(context.seconds * context.rounds))), "-f", str(path),
                 "-h", dsn["host"], "-p", str(dsn["port"]), "-U", dsn["user"], dsn["dbname"]],
                env={"PGOPTIONS": options, "PATH": "/usr/bin:/bin", "LC_ALL": "C"},
                check=True, capture_output=True, text=True).stdout
            result[str(clients)] = float(out.partition("tps = ")[2].split()[0])
    return result

"""What the programs here share: the data, the right answers, the verdicts."""
import re
import struct
import sys
import time
import traceback
from pathlib import Path

import numpy
import psycopg

DATA = Path(__file__).resolve().parent.parent / "data"
# The number of neighbours that recall is measured at, and a larger one to
# see that no rows are missing.
K = 10
K_MANY = 100
RECALL = 0.95


class Wrong(Exception):
    """Something is not as it has to be."""


def expect(condition, text):
    if not condition:
        raise Wrong(text)


def read_copy(path):
    """The last column, an int8vec, of a file in binary COPY format."""
    data = path.read_bytes()
    rows = []
    at = 19 + struct.unpack_from(">i", data, 15)[0]
    while (fields := struct.unpack_from(">h", data, at)[0]) >= 0:
        at += 2
        for _ in range(fields):
            size = struct.unpack_from(">i", data, at)[0]
            at += 4 + max(size, 0)
        # Before the elements stand their number and two bytes of nothing.
        rows.append(numpy.frombuffer(data, "i1", size - 4, at - size + 4))
    return numpy.array(rows)


def load():
    """Vectors and queries: Debian packages; questions, and some packages.

    As they are stored their lengths differ, so that the distances order them
    differently.  Divided by 100, they need rounding in a halfvec."""
    packages = read_copy(DATA / "packages.copy").astype(numpy.float32) / 100
    questions = read_copy(DATA / "questions.copy").astype(numpy.float32) / 100
    return packages, numpy.concatenate([questions, packages[::200]])


def distances(metric, rows, query):
    """The distance of each row to the query, in double precision."""
    if metric == "HAMMING":
        return ((rows > 0) != (query > 0)).sum(axis=1).astype(float)
    rows, query = rows.astype(float), query.astype(float)
    if metric == "L2":
        return numpy.sqrt(((rows - query) ** 2).sum(axis=1))
    if metric == "IP":
        return -(rows @ query)
    return 1 - rows @ query / numpy.linalg.norm(rows, axis=1) / numpy.linalg.norm(query)


class Right:
    """The right answers to a query, to judge an answer by.

    distance holds that of every row, allowed says which of them the query's
    filter lets through.  Rows are compared by their distances, because equal
    ones may come in any order; slack is for PostgreSQL's single precision."""

    def __init__(self, distance, allowed):
        self.distance = distance
        self.allowed = allowed
        self.count = int(allowed.sum())
        self.best = numpy.sort(distance[allowed])
        self.slack = 1e-5 * numpy.abs(distance).max()

    def check_rows(self, ids, k, what):
        """As many rows as asked for, all different, all allowed."""
        want = min(k, self.count)
        expect(len(ids) == want, f"{what}: {len(ids)} rows, not {want}")
        expect(len(set(ids)) == len(ids), f"{what}: a row came twice: {ids}")
        expect(set(ids) <= set(numpy.flatnonzero(self.allowed)),
               f"{what}: rows that the filter excludes, or unknown: {ids}")

    def check(self, ids, k, what):
        """Exactly the nearest rows, in their order."""
        self.check_rows(ids, k, what)
        off = numpy.abs(self.distance[ids] - self.best[:k])
        wrong = numpy.argmax(off)
        expect(off[wrong] <= self.slack,
               f"{what}: row {wrong}, id {ids[wrong]}, has distance"
               f" {self.distance[ids[wrong]]}, not {self.best[wrong]}")

    def hits(self, ids, k):
        """How many of the rows belong to the nearest k."""
        worst = self.best[:k][-1] + self.slack
        return int((self.distance[ids] <= worst).sum())


class Reranked(Right):
    """The same for a query that fetches some rows, the nearest by a first
    distance, and sorts these by another."""

    def __init__(self, first, fetch, distance, allowed):
        super().__init__(distance, allowed)
        limit = numpy.sort(first[allowed])[:fetch][-1]
        # Of the rows just at the limit any may be fetched.
        self.possible = allowed & (first <= limit)
        self.sure = self.possible & ((first < limit) | (self.count <= fetch))
        self.best = numpy.sort(distance[self.sure])
        self.count = min(self.count, fetch)

    def check(self, ids, k, what):
        self.check_rows(ids, k, what)
        got = self.distance[ids]
        expect(self.possible[ids].all(), f"{what}: too far in the first step: {ids}")
        expect((numpy.diff(got) >= -self.slack).all(), f"{what}: not in order: {ids}")
        near = self.sure & (self.distance < got[-1] - self.slack)
        missing = set(numpy.flatnonzero(near)) - set(ids)
        expect(not missing, f"{what}: {missing} are nearer than the last of {ids}")


class Server:
    """The server under test: libpq's environment says where it is."""

    def __init__(self):
        self.connection = psycopg.connect(autocommit=True)

    def one(self, query, *arguments):
        return self.connection.execute(query, arguments).fetchone()[0]

    def prefer_index(self, prefer):
        """Whether the role's next sessions use a vector index whenever they
        can.  So few rows may well be faster to sort, or to find by the index
        of what they are filtered by, and what the planner thinks of that is not
        the matter here."""
        self.connection.execute("ALTER ROLE CURRENT_USER RESET ALL")
        if prefer:
            for setting in ("enable_seqscan", "enable_sort", "enable_bitmapscan", "jit"):
                self.connection.execute(f"ALTER ROLE CURRENT_USER SET {setting} = off")

    def scans(self, index):
        return self.one("SELECT coalesce(sum(idx_scan), 0)::int"
                        " FROM pg_stat_user_indexes WHERE indexrelname = %s", index)

    def expect_scans(self, index, count):
        """The index was used so often, or more.  A client's scans are counted
        when it has disconnected, so this may have to wait for them."""
        end = time.monotonic() + 10
        while self.scans(index) < count and time.monotonic() < end:
            time.sleep(0.05)
        found = self.scans(index)
        expect(found >= count, f"{index} was used {found} times, not {count}")


class Recall:
    """Adds up the hits of some queries."""

    def __init__(self, what):
        self.what, self.found, self.wanted = what, 0, 0

    def add(self, hits, of):
        self.found += hits
        self.wanted += of

    def check(self, least=RECALL):
        recall = self.found / self.wanted
        print(f"# {self.what}: recall {recall:.4f}")
        expect(recall >= least, f"{self.what}: recall {recall:.4f} is below {least}")


def expect_settings(cursor, settings):
    """What the client has set is known to the server, and was accepted.

    To be called after a query: SET takes any text for a name that nobody has
    claimed yet, and once the library is loaded a wrong one is gone."""
    cursor.execute("SELECT name, setting FROM pg_settings"
                   " WHERE name = ANY (%s) AND short_desc <> 'GUC placeholder variable'",
                   (list(settings),))
    found = dict(cursor.fetchall())
    expect(found == settings, f"the settings are {found}, not {settings}")


def main(scenarios, run):
    """Run the scenarios, or those that the command line names."""
    scenarios = {scenario.name: scenario for scenario in scenarios}
    failed = False
    for name in sys.argv[1:] or scenarios:
        try:
            run(scenarios[name])
            print(f"ok {name}", flush=True)
        except Exception as error:
            failed = True
            text = str(error) if isinstance(error, Wrong) else traceback.format_exc()
            print(f"not ok {name}")
            print(re.sub("^", "    ", text.rstrip(), flags=re.MULTILINE), flush=True)
    sys.exit(1 if failed else 0)

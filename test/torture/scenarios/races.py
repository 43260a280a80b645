"""Races: row 4 of the programme.

Session A waits at a point in the midst of what it does, while session B does
something else, to its end or until it waits for A; then A goes on.  A step is
a pair of a point and of what B does, and when all of them have been, the next
round of them is with other rows.
"""

import oracle
import points
from finding import Finding, expect
from scenario import Scenario
from server import Server
from session import Session
from work import Work
from world import World

# From one step of a round to the next so many pairs, so that the first few are
# of all sorts; a prime, so that all have their turn.
STRIDE = 101

# Points that a session comes by again and again.
OFTEN = ("-edge", "-replaces", "-planned", "-room", "-row-id", "-page", "-bucket", "-relinks",
         "-gathered", "-expanded", "-chain", "-frees", "-routed", "-aimed", "-added")

class Races(Scenario):
    """Whatever comes in between two steps of an insert, a vacuum, a scan, or a
    build: nobody sees a wrong row, nothing is lost, and the index is sound."""

    method = None
    # What A does to come by the points of a name, and what B does.
    first = {"insert": ["insert", "insert", "insert_near"], "vacuum": ["vacuum"],
             "scan": ["scan"], "build": ["build", "build_locked"], "split": ["split", "merge"]}
    others = ["insert", "update", "vacuum", "reuse", "scan", "build", "check"]

    def set_up(self):
        binaries = points.binaries()
        self.server = self.own(Server(self.folder / "a", binaries=binaries)).init()
        self.pairs = [(point, other) for point in points.names(binaries, "pause")
                      if point.startswith(self.method) for other in self.others]
        expect(len(self.pairs) % STRIDE != 0, "STRIDE")
        self.world = World(self.server, self.method).create(1200)

    def prepare(self, point, chance):
        """Dead rows for vacuum; and an empty index where a point is for that."""
        if point.endswith("-first") or (point.endswith("insert-begun") and chance.random() < 0.5):
            self.server.script(f"TRUNCATE {self.world.name};")
            for writer in self.world.writers:
                writer.rows = {}
            return
        rows = [row for writer in self.world.writers for row in writer.rows]
        if len(rows) < 800:
            for number in range(8):
                work = Work(self.world, number, chance)
                work.put({i: 0 for i in work.fresh(100)}).run()
        # Equal rows are those that share a node.
        if chance.random() < 0.3:
            self.server.script(f"VACUUM {self.world.name};")
        share = chance.choice([0.05, 0.15, 0.4]) if len(rows) < 1500 else 0.5
        gone = [row for row in rows if chance.random() < share]
        self.server.rows(f"DELETE FROM {self.world.name} WHERE id = ANY (%s::int[])", gone)
        for writer in self.world.writers:
            for row in set(gone) & set(writer.rows):
                del writer.rows[row]

    def race(self, point, first, other, chance):
        """The two of them.  Returns whether A came by, and whether B waited."""
        a, b = Session(self.server), Session(self.server)
        with self.server.connect() as door:
            door.execute(f"SELECT pg_advisory_lock({points.LOCK})")
            often = point.endswith(OFTEN) and chance.random() < 0.4
            times = chance.choice([2, 3, 7]) if often else 1
            a.connection.execute(f"SET vecdb.pause = '{point}:{times}'")
            a.start(first.statements)
            reached = a.await_block()
            b.start(other.statements)
            waited = b.await_block()
        a.end()
        b.end()
        for session, work in (a, first), (b, other):
            session.close()
            # PostgreSQL's own: both build concurrently, each waits for the other.
            if session.error and "40P01" in session.error and first.builds and other.builds:
                self.world.drop_invalid()
                continue
            expect(session.error is None, session.error)
            work.settle(session.answers)
        return reached, waited

    def step(self, number, chance):
        rounds, place = divmod(number, len(self.pairs))
        # Every round begins elsewhere, so that a few steps are not always the same.
        point, other = self.pairs[(place * STRIDE + rounds) % len(self.pairs)]
        self.prepare(point, chance)
        kinds = self.first[point.split("-")[1]]
        # With equal rows and NULLs among theirs.
        first = getattr(Work(self.world, 3, chance), chance.choice(kinds))()
        second = getattr(Work(self.world, chance.choice([7, 7, 1]), chance), other)()
        try:
            reached, waited = self.race(point, first, second, chance)
            oracle.check(self.world, chance.randint(0, 100000))
        except Finding as finding:
            raise Finding(f"{point} and {other} (pair {place}): {finding}") from None
        if chance.random() < 0.3:
            self.server.script(f"VACUUM {self.world.name};")
            oracle.check(self.world, chance.randint(0, 100000))
        return {"races": int(reached), "of them B waited": int(reached and waited),
                "not come by": int(not reached)}

    def finish(self):
        oracle.check_recall(self.world)
        return {}


class RacesHnsw(Races):
    """Races, with hnsw."""

    name = "races-hnsw"
    method = "hnsw"
    small = 16


class RacesIvf(Races):
    """Races, with ivf."""

    name = "races-ivf"
    method = "ivf"
    small = 16
    others = Races.others + ["split"]

"""The oracle itself: faults are seeded, and each of them has to be found."""

import random

import oracle
import points
from finding import Finding, expect
from scenario import Scenario
from server import Server
from session import Session
from work import Work
from world import World

# What is done, and the faults that it has to show, of the library's src/point.
FAULTS = {
    "churn-hnsw": ["hnsw-no-edges", "hnsw-twice-a-neighbour", "hnsw-no-codes",
                   "hnsw-twice-a-null", "hnsw-no-nulls", "hnsw-free-in-use",
                   "hnsw-ends-early", "hnsw-live-row-dies", "hnsw-dead-row-stays",
                   "hnsw-codes-stay", "hnsw-no-relink", "hnsw-stale-entry", "am-too-tight"],
    "churn-ivf": ["ivf-no-codes", "ivf-live-row-dies", "ivf-dead-row-stays", "ivf-codes-stay",
                  "ivf-split-loses-rows", "ivf-ends-early", "page-lower"],
    "recall-hnsw": ["hnsw-no-back-edges"],
    "build-hnsw": ["hnsw-no-concurrent-rows"],
    "build-ivf": ["ivf-no-concurrent-rows"],
    "scan-hnsw": ["hnsw-any-version"],
    "scan-ivf": ["ivf-early-reuse"],
    "crash-hnsw": ["page-no-wal", "page-build-no-wal"],
    "crash-ivf": ["ivf-lower"],
    "unlogged-hnsw": ["page-init-no-wal"],
    "filter": ["am-no-recheck", "plan-no-conditions", "plan-no-policy"],
}

FILTER = """
CREATE EXTENSION IF NOT EXISTS vecdb;
CREATE TABLE filtered (id int, owner int, part int, codes int[], pad text, v vector(3));
ALTER TABLE filtered ALTER pad SET STORAGE PLAIN;
INSERT INTO filtered SELECT i, i % 3, i % 7, ARRAY(SELECT i * j % 997 FROM generate_series(1, 30) j),
    repeat('x', 3500), ARRAY[sin(i), cos(i), sin(i * 7)] FROM generate_series(1, 2500) i;
CREATE INDEX filtered_v ON filtered USING hnsw (v vector_l2_ops, codes);
CREATE INDEX ON filtered (part);
CREATE ROLE one LOGIN;
GRANT SELECT ON filtered TO one;
ALTER TABLE filtered ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON filtered USING (owner = 1);
VACUUM ANALYZE filtered;
"""

# Searches, who asks, and what has to be true of each row.
SEARCHES = [
    ("one", "part = 2", "VecdbFilteredScan"),
    ("postgres", "codes @> ARRAY[3, 6]", "VecdbFilteredScan|Index Scan"),
    ("postgres", "part < 5 AND id % 4 = 1", "VecdbFilteredScan"),
]


# What a finding says, and which part of the oracle that is.
PARTS = {"vecdb_index_check": "vecdb_index_check", "nearest": "the order of rows",
         "recall": "recall", "WHERE": "searches", "search of everything": "searches",
         "is damaged": "errors"}


def found_by(finding):
    return next((part for word, part in PARTS.items() if word in finding), "something else")


class Faults(Scenario):
    """What is wrong is found, and nothing where nothing is wrong."""

    name = "faults"
    small = sum(len(faults) for faults in FAULTS.values())

    def set_up(self):
        self.binaries = points.binaries()
        self.faults = [(fault, drill) for drill, faults in FAULTS.items() for fault in faults]
        made = points.names(self.binaries, "fault")
        expect(made == sorted(fault for fault, _ in self.faults),
               f"the library has the faults {made}")
        self.server = self.fresh("a")
        self.clean = set()

    def fresh(self, name):
        return self.own(Server(self.folder / name, binaries=self.binaries)).init()

    def switch(self, server, fault):
        """A fault on, or "" for none, for all connections to come."""
        server.configure(**{"vecdb.fault": f"'{fault}'"})
        server.rows("SELECT pg_reload_conf()")
        while server.value("SELECT current_setting('vecdb.fault', true)") != fault:
            pass

    # ---- what is done ----

    def churn(self, world, chance):
        """Rows of all sorts come, go, and change."""
        for number in 3, 7:
            Work(world, number, chance).insert_near(120).insert().run()
        for number in range(8):
            work = Work(world, number, chance)
            work.delete(work.some(0.7 if number < 6 else 0.3)).update().run()
        Work(world, 3, chance).split().insert().reuse().run()

    def on_churn(self, server, world, chance):
        self.churn(world, chance)
        oracle.check(world, chance.randint(0, 100000))
        if world.method == "hnsw":
            oracle.check_nearest(world, chance.randint(0, 100000))

    def on_recall(self, server, world, chance):
        # An index that begins empty; so narrow a search depends on every edge.  How
        # good the index is that is made anew is left to chance: hence three tables.
        world.indexes = dict(list(world.indexes.items())[:1])
        for _ in range(3):
            server.script(f"DROP TABLE {world.name};")
            Work(world.create(1500), 3, chance).insert_near(400).insert().run()
            oracle.check_recall(world, settings={"hnsw.ef_search": 10})

    def beside(self, world, work, point, others, chance):
        """What others do while a session waits at a point."""
        session = Session(world.server)
        session.connection.execute(f"SET vecdb.pause = '{point}'")
        with world.server.connect() as door:
            door.execute(f"SELECT pg_advisory_lock({points.LOCK})")
            expect(session.start(work.statements).await_block(), f"{point}: not come by")
            others.run()
        session.end()
        session.close()
        expect(session.error is None, session.error)
        work.settle(session.answers)
        oracle.check(world, chance.randint(0, 100000))

    def on_build(self, server, world, chance):
        """Rows between the passes of a build."""
        self.beside(world, Work(world, 1, chance).build(), f"{world.method}-build-logged",
                    Work(world, 3, chance).insert(), chance)

    def on_scan(self, server, world, chance):
        """A scan waits while what it has read is put to another use: row ids of a
        node, the first of which is dead; and lists, which are made anew."""
        Work(world, 3, chance).insert_near().run()
        server.script(f"REINDEX TABLE {world.name};")
        first = server.value(f"SELECT id FROM {world.name} WHERE v = made(1) ORDER BY ctid LIMIT 1")
        Work(world, first % 8, chance).delete([first]).run()
        work = Work(world, 0, chance)
        work.delete(work.some(0.9)).run()
        point = {"hnsw": "hnsw-scan-chain", "ivf": "ivf-scan-routed"}[world.method]
        self.beside(world, Work(world, 1, chance).scan("true", 1), point,
                    Work(world, 7, chance).vacuum().split().vacuum().reuse(), chance)

    def on_crash(self, server, world, chance):
        server.script("CHECKPOINT;")
        server.script(f"REINDEX INDEX {list(world.indexes)[-1]};")
        self.churn(world, chance)
        server.stop("immediate")
        server.start()
        oracle.check(world, chance.randint(0, 100000))

    def on_unlogged(self, server, world, chance):
        server.stop("immediate")
        server.start()
        for writer in world.writers:
            writer.rows = {}
        self.churn(world, chance)
        oracle.check(world, chance.randint(0, 100000))

    def on_filter(self, server):
        server.script(FILTER)
        settings = {"work_mem": "'64kB'", "enable_seqscan": "off", "enable_sort": "off",
                    "vecdb.filtered_scan_strategy": "search"}
        for who, condition, node in SEARCHES:
            query = (f"SELECT id FROM filtered WHERE {condition}"
                     " ORDER BY v <-> '[0.3,0.4,0.5]' LIMIT 40")
            policy = " AND owner = 1" if who == "one" else ""
            settings["role"] = who
            plan = "\n".join(line for (line,) in server.rows("EXPLAIN " + query,
                                                             settings=settings))
            expect(any(word in plan for word in node.split("|")), plan)
            wrong = server.rows(
                f"WITH found AS MATERIALIZED ({query}) SELECT id FROM found"
                f" EXCEPT SELECT id FROM filtered WHERE {condition}{policy}", settings=settings)
            expect(not wrong, f"{who}, WHERE {condition}: {wrong[:5]}")

    # ---- a step ----

    def drill(self, drill, fault, seed):
        """What is found while a fault is there; None if nothing."""
        chance = random.Random(seed)
        what, _, method = drill.partition("-")
        own = what in ("crash", "unlogged")
        server = self.fresh(f"s{seed}{fault}") if own else self.server
        name = "items"
        try:
            self.switch(server, fault)
            if method:
                world = World(server, method, name, "UNLOGGED" if what == "unlogged" else "")
                getattr(self, f"on_{what}")(server, world.create(500), chance)
            else:
                self.on_filter(server)
        except Finding as finding:
            return str(finding)
        finally:
            if own:
                self.discard(server)
            else:
                self.switch(server, "")
                server.script("DROP TABLE IF EXISTS items, filtered; DROP ROLE IF EXISTS one;")
        return None

    def step(self, number, chance):
        fault, drill = self.faults[number % len(self.faults)]
        seed = chance.randint(0, 1000000)
        if drill not in self.clean:
            found = self.drill(drill, "", seed)
            expect(found is None, f"{drill}, without a fault: {found}")
            self.clean.add(drill)
        found = self.drill(drill, fault, seed)
        expect(found is not None, f"{drill}: {fault} was not found")
        return {"faults found": 1, f"by {found_by(found)}": 1}

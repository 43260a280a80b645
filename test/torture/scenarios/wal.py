"""WAL is complete: row 1 of the programme."""

import os
import re
import subprocess
import time
from pathlib import Path

import oracle
import pages
from finding import expect
from scenario import Scenario
from server import BIN, Server, run
from world import TYPES, Beside, World

TREE = Path(__file__).resolve().parents[3]

DROP = re.compile("DROP (TABLE|FUNCTION|VIEW|PROCEDURE|ROLE)")

CHECKED = {"wal_consistency_checking": "'all'", "wal_keep_size": "1GB"}


class Pair(Scenario):
    """A primary whose WAL has a copy of each page to compare with what replay
    makes of it, and a standby."""

    settings = CHECKED

    def set_up(self):
        self.primary = self.own(Server(self.folder / "a", self.settings)).init()
        self.fill()
        # So few buffers that pages come and go.  Nobody searches here while the primary
        # works, and by no means are its dead rows to stay: tests count them.
        self.standby = self.own(self.primary.standby(self.folder / "b", shared_buffers="2MB",
                                                     hot_standby_feedback="off"))
        self.standby.start()

    def fill(self):
        """What there is before there is a standby."""

    def compare(self):
        """Stop both, compare all pages, and start again."""
        listed = pages.relations(self.primary)
        pages.shut_down(self.primary, self.standby)
        self.standby.check_log()
        ours, others = pages.compare(self.primary, self.standby, listed)
        self.primary.start()
        self.standby.start()
        return {"pages compared": ours, "pages of others": others}


class Wal(Pair):
    """The pages of a standby are those of its primary, byte for byte, and
    replay agrees with all copies of pages, after inserts, deletes, updates,
    vacuums and builds."""

    method = None
    # How long clients are at work: in the first steps, and in others.
    seconds = 3, 20

    def fill(self):
        self.world = World(self.primary, self.method).create()

    def beside(self, table):
        """What a client does beside the writers."""
        indexes = list(self.world.indexes)
        return ([f"VACUUM {table}"] * 16
                + [f"REINDEX INDEX {name}" for name in indexes]
                + [f"CREATE INDEX other ON {table} USING {self.method} (v vector_ip_ops, id);"
                   " DROP INDEX other",
                   f"BEGIN; CREATE INDEX other ON {table} USING {self.method} (v vector_l2_ops);"
                   " ROLLBACK",
                   f"REINDEX TABLE CONCURRENTLY {table}", "CHECKPOINT"])

    def step(self, number, chance):
        # In turn beside the table another one, of each type and new.
        of = list(TYPES)[number % len(TYPES)]
        method = "ivfflat" if self.method == "ivf" and chance.random() < 0.4 else self.method
        other = World(self.primary, method, name=f"some{number}", of=of,
                      kind=chance.choice(["", "", "UNLOGGED"])).create(200)
        worlds = [self.world, other]
        before = sum(world.acknowledged() for world in worlds)
        self.world.write(3, chance.random())
        other.write(1, chance.random())
        beside = [Beside(self.primary, self.beside("items"), chance.random()),
                  Beside(self.primary, [f"VACUUM {other.name}"], chance.random())]
        busy = chance.uniform(0.5, 1) * self.seconds[number >= self.small]
        time.sleep(busy)
        errors = [error for client in worlds + beside for error in client.stop()]
        # Two who wait for each other's REINDEX.
        oracle.check_errors(errors, ["40P01"])
        for world in worlds:
            rows = oracle.check(world, chance.randint(0, 100000))
            if rows > 5000:
                world.thin(2000)
        self.primary.await_replay(self.standby)
        for world in worlds if not other.kind else worlds[:1]:
            oracle.check_heap(world, self.standby)
            oracle.check_indexes(world, self.standby)
            oracle.check_searches(world, chance.randint(0, 100000), self.standby)
        did = {"seconds of work": round(busy),
               "acknowledged": sum(world.acknowledged() for world in worlds) - before,
               "beside": sum(client.done for client in beside), **self.compare()}
        self.primary.script(f"DROP TABLE {other.name};")
        return did


class WalHnsw(Wal):
    """A standby's pages are its primary's, with hnsw."""

    name = "wal-hnsw"
    method = "hnsw"
    small = 2


class WalIvf(Wal):
    """A standby's pages are its primary's, with ivf."""

    name = "wal-ivf"
    method = "ivf"
    small = 2


class WalRegress(Pair):
    """A standby's pages are its primary's, after the SQL of the regression
    tests: a few of them in the first step, all in others.  What they drop at
    their end is left, to be compared."""

    name = "wal-regress"
    small = 1
    # As much memory as PostgreSQL has if nothing is set.
    settings = {**CHECKED, "maintenance_work_mem": "64MB"}
    few = ["hnsw_change", "ivf_change", "hnsw_setting"]

    def step(self, number, chance):
        names = self.few if number == 0 else sorted(
            path.stem for path in TREE.glob("sql/*.sql") if not path.stem.startswith("vecdb--"))
        failed = [what for name in names if (what := self.regress(name))]
        did = {"tests": len(names), **self.compare()}
        expect(not failed, "\n".join(failed))
        for name in names:
            self.primary.script(f"DROP DATABASE {name};")
        return did

    def regress(self, name):
        """Run a test in a database of its own; what is wrong, or None."""
        folder = self.folder / name
        for part, file in ("sql", f"{name}.sql"), ("expected", f"{name}.out"):
            (folder / part).mkdir(parents=True, exist_ok=True)
            (folder / part / file).write_text(without_end((TREE / part / file).read_text()))
        done = subprocess.run(
            [regress(), f"--bindir={BIN}", f"--inputdir={folder}", f"--outputdir={folder}",
             f"--host={self.primary.folder}", f"--port={self.primary.port}", "--user=postgres",
             f"--dbname={name}", "--load-extension=vecdb", name],
            cwd=folder, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, check=False)
        if done.returncode == 0:
            return None
        differences = folder / "regression.diffs"
        return f"{name}: " + (differences.read_text(errors="replace")[:3000]
                              if differences.exists() else done.stdout)


def without_end(text):
    """A test without the DROPs at its end; they say nothing in its output.  But
    a role can only be dropped when what it owns is."""
    lines = text.removesuffix("\n").split("\n")
    body = list(lines)
    # An empty line between two of them is only in the SQL.
    while body and (DROP.match(body[-1]) or body[-1] == "" and DROP.match("".join(body[-2:]))):
        body.pop()
    if any(line.startswith("DROP ROLE") for line in lines[len(body):]):
        return text
    return "\n".join(body) + "\n"


def regress():
    """The program that runs regression tests."""
    pgxs = os.environ.get("VDB_PGXS")
    folder = Path(pgxs or Path(run(BIN / "pg_config", "--pgxs").strip()).parents[2])
    return folder / "src/test/regress/pg_regress"

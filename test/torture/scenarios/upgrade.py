"""pg_upgrade: row 14 of the programme."""

import os
import re
import time
from pathlib import Path

import oracle
from finding import expect
from gallery import Gallery
from scenario import Scenario
from server import Server, run
from world import World

TREE = Path(__file__).resolve().parents[3]
# Some of each kind of index, as what is left to chance would differ.
ROWS = [0, 3, 11, 40]


def version_of(binaries):
    return int(re.search(r"\d+", run(binaries / "postgres", "--version"))[0])


class Upgrade(Scenario):
    """What pg_upgrade takes to newer versions is what was there, and its
    indexes are sound, find what they found, and take changes, without REINDEX."""

    name = "upgrade"
    # Of about the same time: what a minor release adds to tables, older releases
    # of later versions do not know, and Debian's may be newer than these.
    needs = ("VDB_PG_15", "VDB_PG_17", "VDB_PG_18")

    def set_up(self):
        self.binaries = []
        for variable in self.needs:
            config = os.environ.get(variable)
            expect(config, f"there is no PostgreSQL to upgrade: {variable}")
            self.binaries.append(self.install(config, Path(run(config, "--bindir").strip())))

    def install(self, config, binaries):
        """Build the extension for another PostgreSQL, as fast as may be, and
        install it into a copy of that; its programs' folder."""
        tree, copy = self.folder / "tree", self.folder / f"pg{version_of(binaries)}"
        run("rm", "-rf", tree)
        for folder in tree, copy:
            folder.mkdir()
        files = [name for name in ("Makefile", "vecdb.control", "META.json", "sql", "src")
                 if (TREE / name).exists()]
        run("tar", "-C", TREE, "--exclude=*.o", "--exclude=*.so", "-cf", tree / "all.tar", *files)
        run("tar", "-C", tree, "-xf", tree / "all.tar")
        make = ["make", "-s", "-C", tree, f"PG_CONFIG={config}", "COPT=-O0"]
        run(*make, "-j", os.cpu_count() or 1)
        run(*make, "install", f"DESTDIR={copy}")
        for what in "--bindir", "--pkglibdir", "--sharedir":
            there = run(config, what).strip()
            (copy / there.strip("/")).mkdir(parents=True, exist_ok=True)
            run("cp", "-a", f"{there}/.", copy / there.strip("/"))
        return copy / str(binaries).strip("/")

    def upgrade(self, old, binaries, mode):
        """Another server with all that this one has."""
        new = self.own(Server(self.folder / f"v{version_of(binaries)}", binaries=binaries))
        new.init(*(["--no-data-checksums"] if version_of(binaries) > 17 else []))
        for server in old, new:
            server.stop()
        command = [binaries / "pg_upgrade", "-U", "postgres", "-b", old.bin, "-B", binaries,
                   "-d", old.data, "-D", new.data, "-s", self.folder]
        run(*command, "--check", cwd=self.folder)
        run(*command, *mode, cwd=self.folder)
        self.discard(old)
        return new.start()

    def compare(self, server, chance):
        """Look whether all is right, and give all that must not change."""
        gallery = Gallery(server, "gallery")
        indexes = gallery.check(chance)
        found = gallery.answers(ROWS)
        rows = {table: gallery.contents(table) for table in gallery.tables()}
        definitions = sorted(map(str, gallery.indexes()))
        for world in self.worlds:
            world.server = server
            oracle.check(world, chance.randint(0, 100000))
        return indexes, {"definitions": definitions, **rows, **found}

    def step(self, number, chance):
        mode = [["--link"], []][number % 2]
        server = self.own(Server(self.folder / "first", binaries=self.binaries[0])).init()
        server.script("CREATE ROLE reader; CREATE DATABASE gallery;")
        gallery = Gallery(server, "gallery").create(chance, 10)
        gallery.fill(1, 300)
        gallery.more()
        for _ in range(3):
            gallery.change(chance)
        gallery.script("REFRESH MATERIALIZED VIEW gallery.centres; VACUUM;")
        self.worlds = [World(server, method, method).create(300) for method in ("hnsw", "ivf")]
        total = 0
        for binaries in self.binaries[1:]:
            _, before = self.compare(server, chance)
            server = self.upgrade(server, binaries, mode)
            indexes, after = self.compare(server, chance)
            for what, value in before.items():
                expect(after[what] == value, f"{version_of(binaries)}, {mode}: {what}: before"
                       f" {str(value)[:400]}, after {str(after[what])[:400]}")
            total += indexes
            self.go_on(server, chance)
        self.discard(server)
        return {f"upgrades {''.join(mode) or 'by copies'}": len(self.binaries) - 1,
                "indexes": total}

    def go_on(self, server, chance):
        """Changes, after which all is right, too."""
        for world in self.worlds:
            world.write(2, chance.random())
        Gallery(server, "gallery").change(chance)
        time.sleep(0.3)
        for world in self.worlds:
            oracle.check_errors(world.stop(), [])
        server.script("VACUUM;")
        for world in self.worlds:
            oracle.check(world, chance.randint(0, 100000))
        Gallery(server, "gallery").check(chance)

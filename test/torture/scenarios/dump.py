"""Dumps: pg_dump and pg_restore, row 14 of the programme."""

import re

from finding import expect
from gallery import Gallery, index_definitions
from scenario import Scenario
from server import Server, run


class Dump(Scenario):
    """What is dumped and restored, in any format, is what was there: every
    object, every row to the bit, and sound indexes; and dumped again it gives
    the same."""

    name = "dump"
    small = 3
    formats = ["plain", "custom", "directory"]

    def set_up(self):
        self.server = self.own(Server(self.folder / "a")).init()
        self.server.script("CREATE ROLE reader;")

    def run(self, program, *arguments):
        return run(self.server.bin / program, "-h", self.server.folder, "-p",
                   self.server.port, "-U", "postgres", *arguments)

    def text(self, database, *options):
        """A dump as text, without the random key that recent versions put
        there."""
        return re.sub(r"^\\(un)?restrict .*$", "", self.run("pg_dump", *options, database),
                      flags=re.MULTILINE)

    def restore(self, form, path):
        if form == "plain":
            self.run("psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", "copy", "-f", path)
        else:
            self.run("pg_restore", "--exit-on-error", "-j", "2", "-d", "copy", path)

    def step(self, number, chance):
        form = self.formats[number % len(self.formats)]
        for database in "source", "copy":
            self.server.script(f"DROP DATABASE IF EXISTS {database};")
            self.server.script(f"CREATE DATABASE {database};")
        source, copy = Gallery(self.server, "source"), Gallery(self.server, "copy")
        source.create(chance, chance.randint(4, len(list(index_definitions())) // 2))
        source.fill(1, chance.choice([0, 40, 300, 300, 600]))
        source.more()
        for _ in range(chance.randint(0, 4)):
            source.change(chance)
        source.script("REFRESH MATERIALIZED VIEW gallery.centres;")

        path = self.folder / "dump"
        run("rm", "-rf", path)
        parallel = ["-j", "2"] if form == "directory" else []
        self.run("pg_dump", "-F", form, "-f", path, *parallel, "source")
        self.restore(form, path)
        objects = source.expect_same_objects(copy)
        rows = source.expect_same_rows(copy)
        indexes = copy.check(chance)
        expect(self.text("source", "-s") == self.text("copy", "-s"),
               "dumped again, definitions differ")
        # Rows of a page that was full may have come to another.
        differ = (set(self.text("source").splitlines()) ^ set(self.text("copy").splitlines()))
        expect(not differ, "dumped again, it differs:", str(sorted(differ))[:1000])
        self.server.check_log()
        return {"dumps": 1, "objects": objects, "rows": rows, "indexes": indexes}

"""Logical replication: row 14 of the programme."""

import time

import oracle
from finding import Finding, expect
from gallery import EXTENSION, FUNCTIONS, TABLES, Gallery, index_definitions
from scenario import Scenario
from server import Server
from world import SETUP, World

# What writers are told when the publisher goes away.
GONE = ["server closed the connection", "terminating connection", "57P0", "connection",
        "the database system is"]
# Arrays and rows say which type they are of by a number that a subscriber has
# for another: in binary they cannot be sent.
NOT_BINARY = ["many", "p"]
# Each with its database.
SUBSCRIPTIONS = [("gallery", "gallery"), ("items", "postgres")]


class Logical(Scenario):
    """What a subscriber has of tables of every type is what the publisher has,
    to the bit, as text and as binary, copied and changed, and the indexes of
    both are sound; also when either is killed."""

    name = "logical"
    small = 2

    def set_up(self):
        settings = {"logical_decoding_work_mem": "64kB", "wal_retrieve_retry_interval": "200ms",
                    "max_logical_replication_workers": "8"}
        self.publisher = self.own(Server(self.folder / "a", settings)).init()
        self.subscriber = self.own(Server(self.folder / "b", settings)).init()
        for server in self.publisher, self.subscriber:
            server.script("CREATE DATABASE gallery;")
        self.source = Gallery(self.publisher, "gallery")
        self.copy = Gallery(self.subscriber, "gallery")
        self.world = World(self.publisher, "hnsw").create(300)
        self.publisher.script("CREATE PUBLICATION items FOR TABLE items;")
        # The other side has other indexes, and the same writers to tell what is right.
        self.there = World(self.subscriber, "ivf")
        self.subscriber.script(SETUP + "CREATE TABLE items (id int PRIMARY KEY, turn int,"
                               " tag int, note int, v vector(24));")
        for name in self.there.indexes:
            self.there.create_index(name)
        self.there.writers = self.world.writers
        self.subscribe("items", "postgres", ["enabled"])

    def subscribe(self, name, database, options):
        """Subscribe the other side to a publication of this name."""
        self.subscriber.script(
            f"CREATE SUBSCRIPTION {name} CONNECTION 'host={self.publisher.folder}"
            f" port={self.publisher.port} user=postgres dbname={database}'"
            f" PUBLICATION {name} WITH ({', '.join(options)});", database=database)

    def new_gallery(self, chance, binary):
        """New tables on both servers, those of the publisher with rows, and a
        subscription."""
        self.copy.script("DROP SUBSCRIPTION IF EXISTS gallery;")
        for gallery in self.source, self.copy:
            gallery.script("DROP PUBLICATION IF EXISTS gallery;"
                           " DROP SCHEMA IF EXISTS gallery CASCADE;"
                           " DROP SCHEMA IF EXISTS vecdb CASCADE;")
            gallery.script(EXTENSION + FUNCTIONS + TABLES)
            gallery.create_indexes(chance.sample(list(index_definitions()), 6))
        self.source.fill(1, chance.choice([0, 100, 300]))
        root = "WITH (publish_via_partition_root = true)"
        if binary:
            tables = ", ".join(
                f"{table} ({self.columns(table)})" for table in
                ("gallery.things", "gallery.parted", "gallery.small"))
            self.source.script(f"CREATE PUBLICATION gallery FOR TABLE {tables},"
                               f" gallery.whole_rows {root};")
        else:
            self.source.script("CREATE PUBLICATION gallery FOR ALL TABLES "
                               + chance.choice(["", root]) + ";")
        self.subscribe("gallery", "gallery", [
            f"binary = {binary}", f"streaming = {chance.choice(['on', 'off'])}"])

    def columns(self, table):
        return ", ".join(name for (name,) in self.source.rows(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
            " AND NOT attisdropped AND attgenerated = '' AND attname <> ALL (%s)",
            table, NOT_BINARY))

    def copied(self, name, database):
        return self.subscriber.value(
            "SELECT bool_and(srsubstate IN ('r', 's')) FROM pg_subscription_rel"
            " JOIN pg_subscription s ON s.oid = srsubid WHERE subname = %s", name,
            database=database)

    def replayed(self, name, until):
        return self.publisher.rows(
            "SELECT 1 FROM pg_stat_replication WHERE application_name = %s"
            " AND state = 'streaming' AND replay_lsn >= %s::pg_lsn", name, until)

    def wait(self, condition, timeout=300):
        deadline = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > deadline:
                raise Finding("the subscriber does not catch up: " + self.subscriber.tail())
            time.sleep(0.05)

    def await_copied(self):
        for name, database in SUBSCRIPTIONS:
            self.wait(lambda: self.copied(name, database))

    def await_replayed(self):
        for name, _ in SUBSCRIPTIONS:
            until = self.publisher.value("SELECT pg_current_wal_lsn()")
            self.wait(lambda: self.replayed(name, until))

    def step(self, number, chance):
        binary = number % 2 == 1
        before = self.world.acknowledged()
        self.new_gallery(chance, binary)
        self.subscriber.script(f"ALTER SUBSCRIPTION items SET (binary = {binary});")
        self.world.write(3, chance.random(), pause=0.02)
        victim = chance.choice([None, self.publisher, self.subscriber])
        changes = chance.randint(3, 10)
        last = 400
        for change in range(changes):
            if change == 0 or chance.random() < 0.3:
                self.source.fill(last + 1, last + 40)
                last += 40
            else:
                self.source.change(chance)
            if victim and change == changes // 2:
                # PostgreSQL drops the slot that copied a table before it has committed
                # that the table is copied.  A crash between the two leaves it asking for
                # that slot for ever, on either side.
                self.await_copied()
                victim.kill()
                victim.start()
        errors = self.world.stop()
        oracle.check_errors(errors, GONE)
        oracle.check(self.world, chance.randint(0, 100000))
        self.await_copied()
        self.await_replayed()
        rows = self.source.expect_same_rows(self.copy, NOT_BINARY if binary else [])
        items = oracle.check(self.there, chance.randint(0, 100000))
        indexes = self.copy.check(chance)
        self.subscriber.check_log()
        expect(rows > 0, "nothing was compared")
        if items > 3000:
            self.world.thin(1000)
        return {"changes": changes, "acknowledged": self.world.acknowledged() - before,
                f"rows {'binary' if binary else 'text'}": rows, "indexes": indexes,
                "crashes": int(victim is not None)}

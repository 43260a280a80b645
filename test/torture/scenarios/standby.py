"""Scans on a standby, and its promotion under load: row 13 of the programme."""

import random
import threading
import time
from contextlib import closing

import psycopg

import oracle
import pages
from finding import Finding, expect
from scenario import Scenario
from server import Server
from world import BY_INDEX, BY_TABLE, Beside, World

# What clients may be told when their server goes away, or no standby answers.
GONE = ["server closed the connection", "terminating connection", "57P0", "connection",
        "the database system is", "canceling wait for synchronous replication"]

# PostgreSQL's words for a conflict with recovery.
CONFLICTS = ("40001", "40P01")


class Reader:
    """A client of a standby that reads everything by a cursor, a part at a
    time, and compares with what its snapshot has by the table alone."""

    def __init__(self, world, server, seed):
        self.world = world
        self.server = server
        self.chance = random.Random(seed)
        self.exact = 0
        self.conflicts = 0
        self.findings = []
        self.going = True
        self.may = threading.Event()
        self.may.set()
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def work(self):
        while self.going:
            try:
                with closing(self.server.connect()) as connection:
                    while self.going:
                        self.scan(connection)
                        self.may.wait()
            except psycopg.Error as error:
                # Who is told while he waits learns only that he is gone; of a
                # server that is gone its log tells.
                if error.sqlstate in CONFLICTS or "server closed the connection" in str(error):
                    self.conflicts += 1
                else:
                    self.findings.append(f"{error.sqlstate}: {error}".strip())
                    return
            except Finding as finding:
                self.findings.append(str(finding))
                return

    def scan(self, connection):
        """One scan; raises what it ends with, a conflict too."""
        chance, world = self.chance, self.world
        name = chance.choice(list(world.indexes))
        _, operator, of = world.indexes[name]
        seed = chance.randint(0, 100000)
        condition = chance.choice(["true", "true", f"tag = {seed % 10}", "tag < 5 AND turn <> 3"])
        query = f"SELECT id FROM {world.name} WHERE {condition}"
        near = f"{query} ORDER BY {of} {operator} {world.operand(name, seed)}"
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        set_local(connection, BY_INDEX)
        plan = "\n".join(line for (line,) in connection.execute("EXPLAIN " + near))
        expect(f"using {name}" in plan, f"{name}: not used: {plan}")
        connection.execute(f"DECLARE scan CURSOR FOR {near}")
        found = []
        for _ in range(chance.randint(0, 8)):
            found += connection.execute(f"FETCH {chance.randint(1, 200)} FROM scan").fetchall()
            time.sleep(chance.uniform(0, 0.1))
        found += connection.execute("FETCH ALL FROM scan").fetchall()
        connection.execute("CLOSE scan")
        set_local(connection, BY_TABLE)
        right = connection.execute(query).fetchall()
        expect(sorted(found) == sorted(right), f"{near} on a standby: {len(found)} rows,"
               f" {len(set(found))} different, of {len(right)}; not found"
               f" {sorted(set(right) - set(found))[:10]}, not there"
               f" {sorted(set(found) - set(right))[:10]}")
        connection.execute("COMMIT")
        self.exact += 1

    def stop(self):
        """End it; raises what it found."""
        self.going = False
        self.may.set()
        self.thread.join(300)
        expect(not self.thread.is_alive(), "a scan on a standby does not end")
        if self.findings:
            raise Finding(self.findings[0])


def set_local(connection, settings):
    for name, value in settings.items():
        connection.execute(f"SET LOCAL {name} = {value}")


class Standby(Scenario):
    """Every scan of a standby is exactly right or fails with a conflict while
    its primary changes and vacuums; promoted under load, it has every row that
    was acknowledged and that it had received."""

    method = None
    settings = {"wal_log_hints": "on", "wal_keep_size": "1GB",
                "synchronous_commit": "remote_apply", "wal_retrieve_retry_interval": "100ms",
                "wal_receiver_status_interval": "1s"}

    def set_up(self):
        self.made = 0
        self.primary = self.own(Server(self.folder / "s0", self.settings)).init()
        self.world = World(self.primary, self.method).create()
        self.follow()

    def follow(self):
        """A new standby of the primary."""
        self.made += 1
        self.standby = self.own(self.primary.standby(self.folder / f"s{self.made}"))
        self.standby.start()

    def step(self, number, chance):
        synchronous = chance.random() < 0.5
        delay = chance.choice(["-1", "-1", "0", "200ms"])
        self.standby.reload(hot_standby_feedback=chance.choice(["on", "off"]),
                            max_standby_streaming_delay=delay)
        self.primary.reload(synchronous_standby_names="'*'" if synchronous else "''")
        if synchronous:
            self.primary.await_value("SELECT count(*) > 0 FROM pg_stat_replication"
                                     " WHERE sync_state = 'sync'")
            # The checkpointer is who says that commits have to wait.
            self.primary.rows("CHECKPOINT")
        before = self.world.acknowledged(), self.world.in_doubt()
        self.world.remember()
        self.world.write(3, chance.random())
        beside = [Beside(self.primary, self.beside(), chance.random())]
        readers = [Reader(self.world, self.standby, chance.random()) for _ in range(3)]
        time.sleep(chance.uniform(0.5, 3))
        received = self.received()
        time.sleep(chance.uniform(0, 0.3))
        # What is to be replayed waits for scans that have begun, not for more.
        for reader in readers:
            reader.may.clear()
        self.change(chance)
        for reader in readers:
            reader.may.set()
        errors = self.world.stop() + [error for client in beside for error in client.stop()]
        oracle.check_errors(errors, GONE)
        self.world.settle(None if synchronous else received)
        did = {"promotions": 1, "synchronous": int(synchronous),
               "acknowledged": self.world.acknowledged() - before[0],
               "in doubt": self.world.in_doubt() - before[1]}
        # Scans that began on a standby go on beside writers on the same server.
        self.world.write(2, chance.random())
        beside = Beside(self.primary, ["VACUUM items"], chance.random())
        time.sleep(chance.uniform(0.2, 0.6))
        oracle.check_errors(self.world.stop() + beside.stop(), [])
        for reader in readers:
            reader.stop()
        did["exact scans"] = sum(reader.exact for reader in readers)
        did["conflicts"] = sum(reader.conflicts for reader in readers)
        self.world.drop_invalid()
        if oracle.check(self.world, chance.randint(0, 100000)) > 5000:
            self.world.thin(2000)
        self.primary.script("VACUUM items;")
        return {**did, **self.again(chance)}

    def beside(self):
        """What a client does beside the writers."""
        return (["VACUUM items"] * 6 + ["SELECT pg_sleep(0.2)"] * 6 + ["CHECKPOINT"]
                + [f"REINDEX INDEX {name}" for name in self.world.indexes])

    def received(self):
        """How many transactions of each writer the standby has for sure."""
        least = self.world.remembered()
        until = self.primary.value("SELECT pg_current_wal_insert_lsn()")
        self.standby.await_value("SELECT pg_last_wal_receive_lsn() >= %s::pg_lsn", until)
        return least

    def change(self, chance):
        """The primary is lost and the standby promoted, in any order."""
        old, new = self.primary, self.standby
        new.reload(synchronous_standby_names="''")
        lose = chance.choice([old.kill, lambda: old.stop("immediate")])
        if chance.random() < 0.5:
            new.promote()
            time.sleep(chance.uniform(0, 0.2))
            lose()
        else:
            lose()
            new.promote()
        self.primary, self.standby = new, old
        self.world.server = new

    def again(self, chance):
        """The old primary becomes a standby, in one of two ways."""
        rewound = chance.random() < 0.5
        if rewound:
            self.standby.rewind(self.primary)
            self.standby.start()
        else:
            self.discard(self.standby)
            self.follow()
        self.primary.await_replay(self.standby)
        oracle.check_heap(self.world, self.standby)
        oracle.check_indexes(self.world, self.standby)
        oracle.check_searches(self.world, chance.randint(0, 100000), self.standby)
        did = {"rewound": int(rewound)}
        if chance.random() < 0.3:
            listed = pages.relations(self.primary)
            pages.shut_down(self.primary, self.standby)
            did["pages compared"], _ = pages.compare(self.primary, self.standby, listed)
            self.primary.start()
            self.standby.start()
        self.standby.check_log()
        return did


class StandbyHnsw(Standby):
    """Scans on a standby, and promotions, with hnsw."""

    name = "standby-hnsw"
    method = "hnsw"
    small = 2


class StandbyIvf(Standby):
    """Scans on a standby, and promotions, with ivf."""

    name = "standby-ivf"
    method = "ivf"
    small = 2

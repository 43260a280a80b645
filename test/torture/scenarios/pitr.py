"""Base backups and recovery to a point in time: row 14 of the programme."""

import collections
import time

import oracle
from finding import Finding, expect
from scenario import Scenario
from server import Server, run
from world import WRITERS, World


class Moment:
    """A point to recover to, and what each writer had written then: one of
    the states that it went through while the point was made."""

    def __init__(self, world, kind, make):
        self.kind = kind
        for writer in world.writers:
            writer.history = []
        before = [[writer.rows, writer.doubt] for writer in world.writers]
        self.target = make()
        after = [writer.doubt for writer in world.writers]
        self.states = [[state for state in (*first, *list(writer.history), last)
                        if state is not None]
                       for writer, first, last in zip(world.writers, before, after)]
        for writer in world.writers:
            writer.history = None


class Pitr(Scenario):
    """A backup that was taken under load, recovered to any point of the WAL
    after it, has what was committed then, and sound indexes; and it goes on
    from there."""

    method = None

    def set_up(self):
        self.archive = self.folder / "archive"
        self.archive.mkdir()
        self.server = self.own(Server(self.folder / "a", {
            "archive_mode": "on", "archive_command": f"'cp %p {self.archive}/%f'"})).init()
        self.world = World(self.server, self.method).create(600)
        self.server.script("CREATE TABLE marks (id int);")

    def mark(self):
        """The number of a transaction of its own."""
        return self.server.value("INSERT INTO marks VALUES (1)"
                                 " RETURNING pg_current_xact_id()::xid::text")

    def restore_point(self):
        """A named restore point."""
        self.names += 1
        name = f"{self.number}_{self.names}"
        self.server.value(f"SELECT pg_create_restore_point('{name}')")
        return name

    def moment(self, chance):
        make = {
            "name": self.restore_point,
            "xid": self.mark,
            "lsn": lambda: self.server.value("SELECT pg_logical_emit_message(true, 'x', 'x')"),
            "time": lambda: self.server.value("SELECT clock_timestamp()::text"),
        }
        kind = chance.choice(list(make))
        moment = Moment(self.world, kind, make[kind])
        # So that a record comes after it, at which recovery can stop.
        self.mark()
        return moment

    def backup(self, chance):
        """A base backup, not started."""
        run("rm", "-rf", self.folder / "b")
        backup = Server(self.folder / "b", self.server.settings)
        backup.folder.mkdir()
        run(self.server.bin / "pg_basebackup", "-h", self.server.folder, "-p", self.server.port,
            "-U", "postgres", "-D", backup.data, "-c", "fast", "--no-sync",
            "-X", chance.choice(["none", "stream", "fetch"]))
        return backup

    def await_archive(self, timeout=120):
        """Until all WAL that there is has been archived."""
        last = self.server.value("SELECT pg_walfile_name(pg_switch_wal())")
        deadline = time.monotonic() + timeout
        while not (self.archive / last).exists():
            expect(time.monotonic() < deadline, f"{last} is not archived: {self.server.tail()}")
            time.sleep(0.05)

    def restore(self, backup, moment):
        """A copy of the backup, recovered to that moment, and promoted."""
        run("rm", "-rf", self.folder / "c")
        target = {"name": "recovery_target_name", "xid": "recovery_target_xid",
                  "lsn": "recovery_target_lsn", "time": "recovery_target_time"}[moment.kind]
        restored = self.own(Server(self.folder / "c", {
            **self.server.settings, "archive_mode": "off",
            "restore_command": f"'cp {self.archive}/%f %p'",
            "recovery_target_action": "promote", target: f"'{moment.target}'"}))
        restored.folder.mkdir()
        run("cp", "-a", backup.data, restored.data)
        restored.settings["unix_socket_directories"] = f"'{restored.folder}'"
        (restored.data / "recovery.signal").touch()
        restored.start()
        deadline = time.monotonic() + 120
        while restored.value("SELECT pg_is_in_recovery()"):
            expect(time.monotonic() < deadline, "recovery does not end: " + restored.tail())
            time.sleep(0.05)
        return restored

    def world_of(self, restored, moment):
        """The table as it was then: each writer's rows are one of the states
        of that moment."""
        world = World(restored, self.method)
        there = dict(restored.rows("SELECT id, turn FROM items"))
        for writer, now, states in zip(world.writers, self.world.writers, moment.states):
            mine = {row: turn for row, turn in there.items() if row % WRITERS == writer.number}
            if mine not in states:
                nearest = min(states, key=lambda state: len(state.items() ^ mine.items()))
                differ = sorted(nearest.items() ^ mine.items())
                raise Finding(f"writer {writer.number}, {moment.kind} {moment.target}: none of"
                              f" {len(states)} states is there; from the nearest one differ"
                              f" {differ[:10]}")
            writer.rows, writer.next = mine, now.next
        return world

    def recover(self, backup, moment, chance):
        """Recover, look whether all is right, and go on from there.  Returns
        the number of rows."""
        restored = self.restore(backup, moment)
        world = self.world_of(restored, moment)
        rows = oracle.check(world, chance.randint(0, 100000))
        world.write(2, chance.random())
        time.sleep(chance.uniform(0.1, 0.5))
        oracle.check_errors(world.stop(), [])
        oracle.check(world, chance.randint(0, 100000))
        self.discard(restored)
        return rows

    def step(self, number, chance):
        self.number, self.names = number, 0
        before = self.world.acknowledged()
        self.world.write(3, chance.random())
        backup = self.backup(chance)
        moments = []
        for _ in range(chance.randint(2, 4)):
            time.sleep(chance.uniform(0.0, 0.7))
            if chance.random() < 0.3:
                self.server.script(chance.choice([
                    "VACUUM items;", "REINDEX TABLE CONCURRENTLY items;", "CHECKPOINT;",
                    "REINDEX INDEX items_coded;", "VACUUM FULL items;"]))
            moments.append(self.moment(chance))
        oracle.check_errors(self.world.stop(), [])
        rows = oracle.check(self.world, chance.randint(0, 100000))
        self.await_archive()
        chosen = chance.sample(moments, 2)
        restored = sum(self.recover(backup, moment, chance) for moment in chosen)
        for file in self.archive.iterdir():
            file.unlink()
        if rows > 2000:
            self.world.thin(600)
        return {"backups": 1, "rows": restored,
                "acknowledged": self.world.acknowledged() - before,
                **collections.Counter(f"recoveries by {moment.kind}" for moment in chosen)}


class PitrHnsw(Pitr):
    """Base backups and recovery to points in time, with hnsw."""

    name = "pitr-hnsw"
    method = "hnsw"


class PitrIvf(Pitr):
    """Base backups and recovery to points in time, with ivf."""

    name = "pitr-ivf"
    method = "ivf"

"""PostgreSQL servers of our own: started, crashed, copied, looked into.

A server has a folder: data/, log, and the socket that it listens on.  Nobody
else's files or processes are touched.
"""

import contextlib
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import psycopg

from finding import Finding

BIN = Path(os.environ["VDB_BIN"])

CONFIGURATION = {
    "listen_addresses": "''",
    "fsync": "off",
    "autovacuum": "off",
    "max_connections": "40",
    "shared_buffers": "64MB",
    "max_wal_size": "256MB",
    "maintenance_work_mem": "16MB",
    "max_prepared_transactions": "10",
    "log_statement": "none",
    "log_min_messages": "warning",
    "restart_after_crash": "on",
    "wal_level": "logical",
    "max_wal_senders": "8",
}

# What no log may have in it.  (A backend may say the first when the
# postmaster is killed at its commit.)
BAD = re.compile(r"PANIC:  (?!cannot abort transaction)|TRAP:|signal (4|6|7|8|11):"
                 r"|AddressSanitizer|runtime error:|could not read block|inconsistent page found"
                 r"|WARNING:  (buffer refcount leak|relcache|.* leak)")


def run(*command, check=True, **options):
    """Run a program; what it printed.  Raises Finding when it fails."""
    done = subprocess.run([str(part) for part in command], text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, **options)
    if check and done.returncode:
        raise Finding(f"{Path(str(command[0])).name} failed: {done.stdout[-2000:]}")
    return done.stdout


def library(name):
    """A library to preload, which the suite has made of NAME.c."""
    return Path(os.environ["VDB_WORK"]) / f"{name}.so"


def children(parent):
    """The processes that a process has started."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = re.match(r"(\d+) \(.*\) \S (\d+)", stat.read_text())
        except OSError:
            continue
        if fields and int(fields[2]) == parent:
            found.append(int(fields[1]))
    return found


def state(pid):
    """What a process does, by /proc; Z, for a zombie, when there is none."""
    try:
        return re.match(r"\d+ \(.*\) (\S)", Path(f"/proc/{pid}/stat").read_text())[1]
    except OSError:
        return "Z"


def alive(pid):
    """Is there such a process, and not only what init has not noticed yet?"""
    return state(pid) not in "ZX"


class Server:
    """One cluster.  CONFIGURATION with more settings; environment is the
    server's own (LD_PRELOAD, say); bin is the folder of another PostgreSQL."""

    port = 5432

    def __init__(self, folder, settings=None, environment=None, binaries=BIN):
        self.folder = Path(folder)
        self.data = self.folder / "data"
        self.log = self.folder / "log"
        self.settings = {**CONFIGURATION, **(settings or {}),
                         "port": str(self.port),
                         "unix_socket_directories": f"'{self.folder}'"}
        self.environment = environment or {}
        self.bin = Path(binaries)
        self.read = 0
        self.begun = 0

    # ---- life ----

    def init(self, *options):
        """Make the cluster, with more options of initdb, and start it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        run(self.bin / "initdb", "-D", self.data, "-U", "postgres", "-A", "trust",
            "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", *options)
        return self.start()

    def configure(self, **settings):
        """Change settings, from the next start on."""
        self.settings.update(settings)
        text = "".join(f"{name} = {value}\n" for name, value in self.settings.items())
        (self.data / "postgresql.conf").write_text(text)

    def reload(self, **settings):
        """Change settings that need no restart."""
        self.configure(**settings)
        self.rows("SELECT pg_reload_conf()")

    def start(self, timeout=300, check=True):
        """Start it, and wait until it answers.  Returns self, or None when it
        does not start and check is false."""
        self.configure()
        done = subprocess.run(
            [self.bin / "pg_ctl", "-D", self.data, "-w", "-t", str(timeout),
             "-l", self.log, "start"], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={**os.environ, **self.environment})
        if done.returncode == 0:
            return self
        if check:
            raise Finding("the server did not start: " + self.tail())
        return None

    def start_only(self):
        """Start the postmaster, and wait only until there is one: it may be
        in recovery still.  Returns its process."""
        self.configure()
        with self.log.open("a") as log:
            self.begun = log.tell()
            process = subprocess.Popen([self.bin / "postgres", "-D", self.data],
                                       stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       env={**os.environ, **self.environment})
        while process.poll() is None:
            try:
                if self.postmaster() == process.pid:
                    break
            except (FileNotFoundError, IndexError, ValueError):
                pass
            time.sleep(0.005)
        else:
            raise Finding("the server did not start: " + self.tail())
        return process

    def is_ready(self):
        """Did it come through recovery since start_only()?"""
        with self.log.open(errors="replace") as log:
            log.seek(self.begun)
            return "ready to accept connections" in log.read()

    def stop(self, mode="fast"):
        """Stop it; "immediate" is a crash."""
        if (self.data / "postmaster.pid").exists():
            run(self.bin / "pg_ctl", "-D", self.data, "-w", "-m", mode, "stop",
                check=mode != "immediate")

    def postmaster(self):
        return int((self.data / "postmaster.pid").read_text().split()[0])

    def kill(self, all_at_once=False):
        """kill -9 of the postmaster; its children end when they notice, or are
        killed, too.  Returns when none is left."""
        postmaster = self.postmaster()
        # It is not to start others, nor are these to go on while some are gone.
        self.send([postmaster], signal.SIGSTOP, "TtZX")
        processes = children(postmaster)
        victims = [*(processes if all_at_once else []), postmaster]
        self.send(victims, signal.SIGSTOP, "TtZX")
        self.send(victims, signal.SIGKILL, "ZX")
        self.await_state(processes, "ZX")
        # Their process may still be there in name.
        for lock in self.data / "postmaster.pid", self.folder / f".s.PGSQL.{self.port}.lock":
            lock.unlink(missing_ok=True)

    def send(self, processes, number, states):
        """Send a signal, and wait until it has come about."""
        for pid in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        self.await_state(processes, states)

    def await_state(self, processes, states):
        deadline = time.monotonic() + 120
        while any(state(pid) not in states for pid in processes):
            if time.monotonic() > deadline:
                raise Finding("processes do not stop, or outlive their postmaster: " + self.tail())
            time.sleep(0.005)

    def kill_child(self, chance):
        """kill -9 of any one of its processes; waits until it answers again.
        Returns what that process was, None when it was about to end anyway."""
        processes = children(self.postmaster())
        if not processes:
            return None
        victim = chance.choice(processes)
        try:
            what = Path(f"/proc/{victim}/cmdline").read_text().replace("\0", " ").strip()
            os.kill(victim, signal.SIGKILL)
        except (ProcessLookupError, FileNotFoundError):
            return None
        # All others are ended, too, or it was no crash.
        deadline = time.monotonic() + 20
        while any(alive(pid) for pid in processes) and time.monotonic() < deadline:
            time.sleep(0.005)
        self.await_answer()
        return what if time.monotonic() < deadline else None

    def await_answer(self, timeout=300):
        """Wait until it takes connections again, after a crash say."""
        deadline = time.monotonic() + timeout
        # The postmaster needs a moment to notice that a child is gone.
        time.sleep(0.2)
        while True:
            try:
                self.value("SELECT 1")
                return
            except psycopg.Error:
                if time.monotonic() > deadline:
                    raise Finding("the server does not answer: " + self.tail()) from None
                time.sleep(0.05)

    def standby(self, folder, **settings):
        """A standby of this server, by pg_basebackup; not started."""
        other = Server(folder, {**self.settings, **settings}, binaries=self.bin)
        other.folder.mkdir(parents=True, exist_ok=True)
        run(self.bin / "pg_basebackup", "-h", self.folder, "-p", self.port, "-U",
            "postgres", "-D", other.data, "-R", "-c", "fast", "--no-sync")
        return other

    def promote(self):
        """Make a standby a primary."""
        run(self.bin / "pg_ctl", "-D", self.data, "-w", "-t", "300", "promote")

    def rewind(self, primary):
        """Make this server, which is down and was a primary, a standby of the
        one that took its place; not started."""
        primary.rows("CHECKPOINT")
        run(self.bin / "pg_rewind", "-D", self.data, "-R", "--no-sync", "--source-server",
            f"host={primary.folder} port={primary.port} user=postgres dbname=postgres")

    def await_replay(self, standby, timeout=300):
        """Wait until the standby has replayed all that this server wrote."""
        until = self.value("SELECT pg_current_wal_insert_lsn()")
        deadline = time.monotonic() + timeout
        while not standby.value("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", until):
            if time.monotonic() > deadline:
                raise Finding("the standby does not catch up: " + standby.tail())
            time.sleep(0.02)

    def await_value(self, query, *values, timeout=300):
        """Wait until a query says true."""
        deadline = time.monotonic() + timeout
        while not self.value(query, *values):
            if time.monotonic() > deadline:
                raise Finding(f"not true within {timeout} s: {query}\n{self.tail()}")
            time.sleep(0.02)

    # ---- SQL ----

    def connect(self, database="postgres", **options):
        """A connection (psycopg 3) that commits each statement by itself.  On a
        standby its beginning may be cancelled as any statement may: then anew."""
        while True:
            try:
                return psycopg.connect(host=str(self.folder), port=self.port, user="postgres",
                                       dbname=database, autocommit=True, **options)
            except psycopg.OperationalError as error:
                if "conflict with recovery" not in str(error):
                    raise

    def rows(self, query, *values, database="postgres", settings=None):
        """The rows of one query, on a connection of its own."""
        with self.connect(database) as connection:
            for name, value in (settings or {}).items():
                connection.execute(f"SET {name} = {value}")
            cursor = connection.execute(query, values or None)
            return cursor.fetchall() if cursor.description else []

    def value(self, query, *values, **options):
        """The first column of the first row."""
        return self.rows(query, *values, **options)[0][0]

    def script(self, text, database="postgres"):
        """Several statements, each its own transaction, by psql; what it
        printed.  Raises Finding at the first that fails."""
        path = self.folder / "script.sql"
        path.write_text(text)
        return run(self.bin / "psql", "-XAtq", "-v", "ON_ERROR_STOP=1",
                   "-h", self.folder, "-p", self.port, "-U", "postgres",
                   "-d", database, "-f", path)

    # ---- its log ----

    def tail(self, lines=20):
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def check_log(self, allowed=None):
        """Raise a Finding for what the log has since the last time and must
        not have; allowed is a pattern of lines that are expected."""
        if not self.log.exists():
            return
        with self.log.open(errors="replace") as log:
            log.seek(self.read)
            lines = log.readlines()
            self.read = log.tell()
        bad = [line.strip() for line in lines
               if BAD.search(line) and not (allowed and re.search(allowed, line))]
        if bad:
            raise Finding("the log says: " + " / ".join(bad[:5]))

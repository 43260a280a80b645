"""The PostgreSQL server of a run: test/bench/serve, started and held."""
import contextlib
import os
import pathlib
import signal
import subprocess
import tempfile

import psutil
import psycopg

BENCH = pathlib.Path(__file__).resolve().parents[1]
PORT = 5432


class Server:
    """A server of its own, gone with this process however that ends.

    version: "" for the PostgreSQL of this machine, or the one of a chroot
    ("17", "18").  conf: lines of postgresql.conf.  folder: where its data goes
    (in a chroot, test/chroot has its own).
    """

    def __init__(self, version, conf, folder):
        if version:
            # There the tree is /vecdb.
            self.dir = "/vecdb/bench-server"
            command = [BENCH.parent / "chroot", version, "test/bench/serve"]
        else:
            folder.mkdir(parents=True, exist_ok=True)
            self.dir = tempfile.mktemp(prefix="server.", dir=folder)
            command = [BENCH / "serve"]
        # A session of its own: Ctrl-C in the terminal is for this process,
        # which then closes the pipe.
        self.process = subprocess.Popen(
            [*command, self.dir, *conf], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, start_new_session=True)
        self._wait_ready()
        holder = [p for p in self._tree() if any(a.endswith("bench/serve") for a in p.cmdline())]
        # What is in the chroot is seen through a process in it.
        self.root = f"/proc/{holder[-1].pid}/root" if version else ""
        with self.connect("postgres") as c:
            self.version = c.execute("SHOW server_version").fetchone()[0]

    def _wait_ready(self):
        if self.process.stdout.readline().strip() != "ready":
            raise SystemExit("the server did not start")

    def _file(self, name):
        return pathlib.Path(f"{self.root}{self.dir}/{name}")

    def _tree(self):
        return psutil.Process(self.process.pid).children(recursive=True)

    def dsn(self, database):
        """How to connect."""
        return {"host": f"{self.root}{self.dir}/cluster", "port": PORT, "user": "postgres",
                "dbname": database}

    def connect(self, database):
        return psycopg.connect(**self.dsn(database), autocommit=True)

    def postmaster(self):
        """The process id of the server's first process, as seen from here."""
        return self.process_of(int(
            self._file("cluster/data/postmaster.pid").read_text().splitlines()[0]))

    def process_of(self, inner):
        """The process id, as seen from here, of one that the server knows by this."""
        if not self.root:
            return inner
        for p in self._tree():
            try:
                status = pathlib.Path(f"/proc/{p.pid}/status").read_text()
            except FileNotFoundError:
                continue
            ids = status.partition("NSpid:")[2].partition("\n")[0].split()
            if ids[-1:] == [str(inner)]:
                return p.pid
        raise SystemExit("the server is gone")

    def memory(self):
        """Bytes that its processes hold for themselves or share besides the
        buffers: anonymous memory, and shared memory made for parallel work."""
        own = sum(map(private_memory, self.processes()))
        shared = os.statvfs(f"{self.root}/dev/shm")
        return own + (shared.f_blocks - shared.f_bfree) * shared.f_frsize

    def processes(self):
        """The process ids of the server, as seen from here."""
        first = psutil.Process(self.postmaster())
        return [p.pid for p in (first, *first.children())]

    def restart(self, **settings):
        """Stop and start it, with these settings for others than those it was made
        with; meanwhile its files leave the page cache.  Returns whether they did."""
        with self.connect("postgres") as c:
            c.execute("ALTER SYSTEM RESET ALL")
            for name, value in settings.items():
                c.execute(f"ALTER SYSTEM SET {name} = '{value}'")
            c.execute("CHECKPOINT")
        self.process.stdin.write("restart\n")
        self.process.stdin.flush()
        self._wait_ready()
        # What is written back can be forgotten.
        os.sync()
        return drop_files(self._file("cluster/data/base"))

    def stop(self):
        """Stop it and remove its data."""
        if self.process.poll() is None:
            self.process.stdin.close()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)


class ScarceMemory:
    """A control group of a server's processes: limits the memory that they have for
    files and shared buffers together, besides what they have for themselves.  OSError
    where such a group is not ours to make."""

    FIRST_VERSION = pathlib.Path("/sys/fs/cgroup/memory")

    def __init__(self, processes):
        first = (self.FIRST_VERSION / "memory.limit_in_bytes").exists()
        self.usage, self.maximum, self.files = (
            ("memory.usage_in_bytes", "memory.limit_in_bytes", "cache") if first else
            ("memory.current", "memory.max", "file"))
        self.folder = ((self.FIRST_VERSION if first else self.FIRST_VERSION.parent)
                       / f"vecbench.{os.getpid()}")
        self.folder.mkdir()
        try:
            if not (self.folder / self.maximum).exists():
                raise OSError("control groups here do not limit memory")
            for pid in processes:
                (self.folder / "cgroup.procs").write_text(str(pid))
        except OSError:
            self.close()
            raise

    def limit(self, files):
        """From now on, at most so many bytes for files and shared buffers."""
        stat = dict(line.split() for line in (self.folder / "memory.stat").read_text().splitlines())
        own = int((self.folder / self.usage).read_text()) - int(stat[self.files])
        (self.folder / self.maximum).write_text(str(own + files))

    def close(self):
        """Give the processes back to the group of all."""
        everybody = self.folder.parent / "cgroup.procs"
        for pid in (self.folder / "cgroup.procs").read_text().split():
            with contextlib.suppress(OSError):
                everybody.write_text(pid)
        self.folder.rmdir()


def private_memory(pid):
    """Bytes of anonymous memory of a process; 0 when it is gone."""
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return int((status.partition("RssAnon:")[2].split() or [0])[0]) * 1024


def drop_files(folder):
    """Ask the system to forget its copies of all files below folder, which
    needs no rights beyond reading them.  Returns whether it let us."""
    try:
        for path in folder.rglob("*"):
            if path.is_file():
                with open(path, "rb") as f:
                    os.posix_fadvise(f.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        return True
    except OSError:
        return False

"""The library with the faults and pauses of src/point/, built once for a run.

VDB_POINTS_BIN is the folder of a PostgreSQL that has it already.
"""

import os
import re
import shutil
from pathlib import Path

import server

TREE = Path(__file__).resolve().parent.parent.parent

# What a pause waits for: an advisory lock, which release() gives back.
LOCK = "1986356067, 0"


def binaries():
    """The folder of the programs of a PostgreSQL that has that library."""
    if "VDB_POINTS_BIN" in os.environ:
        return Path(os.environ["VDB_POINTS_BIN"])
    work = Path(os.environ["VDB_WORK"])
    folder = work / "points"
    found = folder / "pg" / server.BIN.relative_to(work / "pg")
    if not (folder / "made").exists():
        shutil.rmtree(folder, ignore_errors=True)
        make(work, folder)
        (folder / "made").touch()
    return found


def make(work, folder):
    """Build it.  Only what has points is compiled anew."""
    tree = folder / "tree"
    shutil.copytree(TREE, tree, ignore=shutil.ignore_patterns("test", "build", "*.so"))
    for path in (tree / "src").rglob("*.c"):
        if "point/point.h" in path.read_text():
            path.with_suffix(".o").unlink(missing_ok=True)
    shutil.copytree(work / "pg", folder / "pg", symlinks=True)
    jobs = str(len(os.sched_getaffinity(0)))
    server.run("make", "-s", "-j", jobs, "-C", tree, "FAULTS=1")
    server.run("make", "-s", "-C", tree, "FAULTS=1", "install", f"DESTDIR={folder / 'pg'}")


def names(binary, kind):
    """The names of all of a kind, "fault" or "pause", that the library has."""
    library = Path(server.run(binary / "pg_config", "--pkglibdir").strip(), "vecdb.so")
    found = re.findall(rb"(?<![a-z])" + kind.encode() + rb":([a-z-]+)\0", library.read_bytes())
    return sorted({name.decode() for name in found})

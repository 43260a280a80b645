"""Rows that are made block by block, and kept.

A store is a folder: a file of raw rows for each column, and done.json, which
says how many rows are whole.  A block is appended to every file first and
counted afterwards, by renaming a new done.json into place; so whatever
interrupts it, only the block being made is lost: what lies beyond the count
is overwritten the next time.  Who makes rows holds the folder's lock.
"""
import contextlib
import fcntl
import json
import os
import sys
from pathlib import Path

import numpy as np
from tqdm import tqdm


@contextlib.contextmanager
def locked(folder):
    """Hold the lock of a folder; wait for whoever holds it."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "a", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"{folder}: another process is making it; waiting", file=sys.stderr)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def whole(path):
    """A file to write, which gets its name only when all of it is there."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
    finally:
        temporary.unlink(missing_ok=True)


def save(path, array):
    with whole(path) as file:
        np.save(file, array)


class StaleStore(RuntimeError):
    """What rows were made from has changed since."""


class Store:
    """columns: {name: (dimensions, dtype)}.  source, called with the lock
    held and only when rows are missing, returns an object with
        total                 how many rows there can be
        make(start, stop, advance)   {name: rows start to stop}; it calls
                              advance(n) for every n rows that it has made
        clean()               called when all rows are there
    """

    def __init__(self, folder, columns, source, block):
        self.folder, self.columns = Path(folder), columns
        self.source, self.block = source, block

    def state(self):
        """{"rows": whole rows, "total": how many there can be, or None}."""
        try:
            return json.loads((self.folder / "done.json").read_text())
        except FileNotFoundError:
            return {"rows": 0, "total": None}

    def enough(self, rows):
        """True when so many rows (None: all) are there, or can never be."""
        state = self.state()
        goal = state["total"] if rows is None or state["total"] is None \
            else min(rows, state["total"])
        return goal is not None and state["rows"] >= goal

    def ensure(self, rows, progress=True):
        """Make what is missing of the first rows rows (None: all), up to the
        end of a block; or as many as there can be."""
        if self.enough(rows):
            return
        with locked(self.folder):
            if self.enough(rows):
                return              # made by whom we waited for
            source, state = self.source(), self.state()
            if state["total"] not in (None, source.total):
                raise StaleStore(f"{self.folder} was begun with {state['total']:,} rows, and now "
                                 f"there are {source.total:,}: delete it to begin again")
            at = state["rows"]
            goal = source.total if rows is None else min(rows, source.total)
            with tqdm(total=goal, initial=min(at, goal), desc=self.folder.name,
                      unit=" rows", disable=not progress) as bar:
                while at < goal:
                    stop = min(at + self.block, source.total)
                    self.append(at, stop, source.make(at, stop, bar.update), source.total)
                    at = stop
            if at == source.total:
                source.clean()

    def append(self, start, stop, block, total):
        for name, (dim, dtype) in self.columns.items():
            rows = np.ascontiguousarray(block[name], dtype)
            if rows.shape != (stop - start, dim):
                raise ValueError(f"{name}: {rows.shape} in place of {(stop - start, dim)}")
            path = self.path(name)
            path.touch()
            with open(path, "r+b") as file:
                file.seek(start * dim * np.dtype(dtype).itemsize)
                rows.tofile(file)
                file.truncate()
                file.flush()
                os.fsync(file.fileno())
        with whole(self.folder / "done.json") as file:
            file.write(json.dumps({"rows": stop, "total": total}).encode())

    def path(self, name):
        return self.folder / f"{name}.{np.dtype(self.columns[name][1]).name}"

    def rows(self, name, start, stop):
        """Rows start to stop of a column, mapped from its file."""
        dim, dtype = self.columns[name]
        return np.memmap(self.path(name), dtype, "r", shape=(stop, dim))[start:]

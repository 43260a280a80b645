"""Sets from files, prepared once: float32, mapped from then on, so that the
processes of a benchmark share one copy in memory."""
import hashlib
import json
import shutil
import tempfile
from pathlib import Path

import numpy as np

from . import files
from .store import locked

SEED = 1


def key(paths):
    """Changes when one of the files does."""
    told = [(str(p.resolve()), p.stat().st_size, p.stat().st_mtime_ns) for p in paths]
    return hashlib.sha256(repr(told).encode()).hexdigest()[:16]


def hold_out(path, base, count):
    """Rows chosen by chance, as queries; and the base without them and all
    rows equal to one of them."""
    count = min(count, len(base) // 10)
    if not count:
        raise files.Error(f"{path}: {len(base)} rows are too few to hold some out as queries")
    base = np.asarray(base, np.float32)
    queries = base[np.random.default_rng(SEED).choice(len(base), count, replace=False)]
    known = {row.tobytes() for row in queries}
    return base[[row.tobytes() not in known for row in base]], queries


def prepare(parts, folder, count):
    """Write base, queries, truth and what is known into folder."""
    raw = files.read_set(*parts)
    base, queries = raw.base, raw.queries
    if queries is None:
        base, queries = hold_out(parts[0], base, count)
    np.save(folder / "base.npy", np.asarray(base, np.float32))
    np.save(folder / "queries.npy", np.asarray(queries[:count], np.float32))
    if raw.truth is not None:
        np.save(folder / "truth.npy", np.asarray(raw.truth[:count], np.int32))
    (folder / "set.json").write_text(json.dumps({"metric": raw.metric, "path": str(parts[0])}))


def opened(path, cache, count, queries=None, truth=None):
    """(folder, Raw) of the set at path, with at most count queries; the
    folder in the cache is for just these contents."""
    parts = files.find(Path(path), queries, truth)
    folder = cache / "files" / f"{parts[0].stem}-{key([p for p in parts if p])}"
    if not folder.exists():
        with locked(folder.parent):
            if not folder.exists():
                temporary = Path(tempfile.mkdtemp(dir=folder.parent, suffix=".tmp"))
                try:
                    prepare(parts, temporary, count)
                    temporary.chmod(0o755)
                    temporary.rename(folder)
                finally:
                    shutil.rmtree(temporary, ignore_errors=True)
    known = folder / "truth.npy"
    return folder, files.Raw(np.load(folder / "base.npy", mmap_mode="r"),
                             np.load(folder / "queries.npy"),
                             np.load(known) if known.exists() else None,
                             json.loads((folder / "set.json").read_text())["metric"])

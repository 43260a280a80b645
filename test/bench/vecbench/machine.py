"""Where and with what a run was made."""
import importlib.metadata
import os
import pathlib
import platform
import subprocess

import psutil

TREE = pathlib.Path(__file__).resolve().parents[3]
LIBRARIES = ["faiss-cpu", "hnswlib", "numpy", "psycopg"]


def describe():
    """What the reader of a report needs to know of the machine."""
    return {
        "commit": commit(),
        "cpu": cpu(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "libraries": {name: importlib.metadata.version(name) for name in LIBRARIES},
    }


def commit():
    """The commit of the tree, with a + when files differ from it."""
    def git(*args):
        return subprocess.run(["git", "-c", f"safe.directory={TREE}", "-C", str(TREE), *args],
                              check=True, capture_output=True, text=True).stdout.strip()
    try:
        return git("rev-parse", "--short=12", "HEAD") + ("+" if git("status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def cpu():
    """The processor's name and the instructions that matter here."""
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in reversed(lines) if ":" in line)
    fields = {key.strip(): value.strip() for key, value in fields.items()}
    wanted = ["avx2", "avx512f", "avx512_vnni", "avx512_vpopcntdq", "asimd"]
    flags = fields.get("flags", fields.get("Features", "")).split()
    return " ".join([fields.get("model name", platform.machine())] + [f for f in wanted if f in flags])

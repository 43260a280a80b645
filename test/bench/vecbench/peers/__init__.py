"""The peers, one module each: see the section on peers in ../../README.md."""
import importlib
import pkgutil


def all_peers():
    """Every peer class, vecdb's first."""
    found = []
    for module in pkgutil.iter_modules(__path__):
        found += getattr(importlib.import_module(f"{__name__}.{module.name}"), "PEERS", [])
    return sorted(found, key=lambda peer: (not peer.name.startswith("vecdb"), peer.name))

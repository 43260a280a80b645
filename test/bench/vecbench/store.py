"""What a run has measured: a JSON file that is whole after every step."""
import json
import os
import pathlib

FORMAT = 1


class Store:
    """Results by key ("sift128/100000/search").  A run that is stopped goes on
    where it was, if it is asked the same."""

    def __init__(self, path, setup):
        """setup: what was asked and on which machine; a file that holds
        another is not gone on with."""
        self.path = pathlib.Path(path)
        self.data = {"format": FORMAT, "setup": setup, "notes": {}, "results": {}}
        if self.path.exists():
            old = read(self.path)
            if old["setup"] != setup:
                changed = sorted(k for k in setup.keys() | old["setup"].keys()
                                 if setup.get(k) != old["setup"].get(k))
                raise SystemExit(
                    f"{self.path} is of another run (different: {', '.join(changed)});\n"
                    "choose another folder (OUT=...), or remove it")
            self.data = old

    def __contains__(self, key):
        return key in self.data["results"]

    def __getitem__(self, key):
        return self.data["results"][key]

    def __setitem__(self, key, value):
        self.data["results"][key] = value
        self._write()

    def note(self, key, value):
        """Write down something about the run, unless it is there."""
        if key not in self.data["notes"]:
            self.data["notes"][key] = value
            self._write()

    def _write(self):
        self.path.parent.mkdir(parents=True, exist_ok=True)
        new = self.path.with_suffix(".new")
        new.write_text(json.dumps(self.data, indent=1, sort_keys=True) + "\n")
        os.replace(new, self.path)


def read(path):
    """The contents of a raw file."""
    try:
        data = json.loads(pathlib.Path(path).read_text())
    except (OSError, ValueError) as error:
        raise SystemExit(f"{path}: {error}") from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise SystemExit(f"{path} is not a raw file of this benchmark (format {FORMAT})")
    return data

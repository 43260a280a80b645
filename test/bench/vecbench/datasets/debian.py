"""Files of Debian packages, and Debian's own lists, without installing any.

apt fetches and verifies everything in a folder of ours; the lists and the
packages of the machine stay as they are.  This needs no root.
"""
import pathlib
import subprocess
import tempfile

RELEASE = "bookworm"
MIRROR = "http://deb.debian.org/debian"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


class Error(RuntimeError):
    """What could not be fetched or read, said so that a user can act."""


def run(command, **options):
    """Run a command quietly; when it fails, raise what it said."""
    try:
        return subprocess.run(command, check=True, capture_output=True, **options).stdout
    except FileNotFoundError:
        raise Error(f"{command[0]} is not there: the sets are made on Debian machines") from None
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip()
        raise Error(f"{' '.join(map(str, command[:3]))} failed: {said[-500:]}") from None


class Apt:
    """apt with a state of its own, in a folder that is removed at the end."""

    def __enter__(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="vecdb-apt-")
        self.folder = pathlib.Path(self.temporary.name)
        self.lists = self.folder / "lists"
        (self.lists / "partial").mkdir(parents=True)
        (self.folder / "archives/partial").mkdir(parents=True)
        source = self.folder / "debian.list"
        source.write_text(f"deb [arch=amd64 signed-by={KEYRING}] {MIRROR} {RELEASE} main\n")
        options = {"Dir::Etc::sourcelist": source, "Dir::Etc::sourceparts": "-",
                   "Dir::State::lists": self.lists, "Dir::Cache": self.folder,
                   "Acquire::Languages": "en", "Acquire::Retries": 3,
                   "APT::Architecture": "amd64", "APT::Sandbox::User": "root"}
        self.options = [word for key, value in options.items()
                        for word in ("-o", f"{key}={value}")]
        run(["apt-get", "update", "-q", *self.options])
        return self

    def __exit__(self, *_):
        self.temporary.cleanup()

    def translations(self):
        """The descriptions of all packages: the text of Translation-en."""
        (path,) = self.lists.glob(f"*_dists_{RELEASE}_*Translation-en*")
        return run(["/usr/lib/apt/apt-helper", "cat-file", str(path)]).decode()

    def unpack(self, package):
        """Fetch a package and unpack it; return the folder."""
        target = self.folder / "unpacked" / package
        target.mkdir(parents=True)
        run(["apt-get", "download", "-q", *self.options, package], cwd=self.folder)
        (path,) = self.folder.glob(f"{package}_*.deb")
        run(["dpkg-deb", "-x", path, target])
        path.unlink()
        return target

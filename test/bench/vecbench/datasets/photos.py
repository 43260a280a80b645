"""sift128: SIFT descriptors of the photographs in a few Debian packages.

Wallpapers, and the animals, monuments and musicians of GCompris.  Which of
the pictures are photographs was decided by looking at them; drawings and
paintings are not in the lists below.
"""
import hashlib
import shutil
import struct

import numpy as np
from tqdm import tqdm

from . import debian
from .store import Store, save

NAME, DIM = "sift128", 128
SEED = 1
LONGEST = 2560                  # a larger picture is scaled down to this
# COLMAP's threshold: OpenCV divides the number by its three layers an octave.
CONTRAST = 0.02
# A picture of leaves alone has 70,000: it shall not be a tenth of the set.
MOST = 15000

PICTURES = {
    "lomiri-wallpapers-16.04": [
        "Bridge_by_*", "Dragonfly_by_*", "Picture_0B_by_*", "Picture_1A_by_*", "Wine_by_*",
        "aitzgorri_by_*", "free_by_*", "friends_by_*", "greentock_by_*", "life_by_*",
        "picosdeeuropa_by_*", "seeding_by_*", "sunset_by_*"],
    "lomiri-wallpapers-20.04": ["Kleiber_by_*"],
    "mate-backgrounds": ["nature/*.jpg"],
    "plasma-workspace-wallpapers": [
        f"{name}/contents/images/*x*.jpg" for name in (
            "BytheWater", "ColdRipple", "ColorfulCups", "DarkestHour", "EveningGlow",
            "FallenLeaf", "Grey", "Kite", "OneStandsOut", "Path", "Volna", "summer_1am")],
    "gcompris-qt-data": [
        f"{name}.rcc" for name in (
            "erase", "explore_farm_animals", "explore_monuments", "explore_world_animals",
            "explore_world_music")],
}
SMALLEST = 15000                # bytes; what is smaller in a .rcc is a button


def resources(data):
    """The pictures in a Qt resource file, which stores them as they are: each
    behind its length, one after the other."""
    at, end = struct.unpack_from(">I", data, 12)[0], len(data)
    others = [place for place in struct.unpack_from(">II", data, 8) if place > at]
    end = min([end, *others])
    while at + 4 <= end:
        length, = struct.unpack_from(">I", data, at)
        blob = data[at + 4:at + 4 + length]
        at += 4 + length
        if length >= SMALLEST and (blob[:3] == b"\xff\xd8\xff" or blob[:4] == b"\x89PNG"
                                   or blob[8:12] == b"WEBP"):
            yield blob


def pictures(apt, progress):
    """Every photograph once, as the bytes of its file."""
    seen = set()
    for package in tqdm(PICTURES, "photographs", unit=" packages", disable=not progress):
        folder = apt.unpack(package)
        for pattern in PICTURES[package]:
            paths = [p for p in sorted(folder.glob(f"**/{pattern}"))
                     if p.is_file() and not p.is_symlink()]
            if not paths:
                raise debian.Error(f"{package} has no {pattern} any more")
            for path in paths:
                data = path.read_bytes()
                for blob in resources(data) if path.suffix == ".rcc" else [data]:
                    digest = hashlib.sha256(blob).digest()
                    if digest not in seen:
                        seen.add(digest)
                        yield blob
        shutil.rmtree(folder)


def describe(sift, blob):
    """uint8 descriptors of a picture, at most MOST of them, chosen by chance."""
    import cv2
    image = cv2.imdecode(np.frombuffer(blob, np.uint8), cv2.IMREAD_GRAYSCALE)
    if image is None:
        raise debian.Error("a picture could not be read")
    scale = LONGEST / max(image.shape)
    if scale < 1:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    _, found = sift.detectAndCompute(image, None)
    if found is None:
        return np.empty((0, DIM), np.uint8)
    found = np.unique(found.astype(np.uint8), axis=0)
    if len(found) > MOST:
        found = found[np.random.default_rng(SEED).choice(len(found), MOST, replace=False)]
    return found


class Source:
    """All descriptors, each once, in one random order.  Each picture's are
    kept in a file of their own until the set is whole."""

    def __init__(self, folder, progress):
        import cv2
        self.parts = folder / "parts"
        self.parts.mkdir(exist_ok=True)
        sift = cv2.SIFT_create(contrastThreshold=CONTRAST)
        listing = self.parts / "all"
        if not listing.exists():
            with debian.Apt() as apt:
                blobs = list(pictures(apt, progress))
            for number, blob in enumerate(tqdm(blobs, "SIFT", unit=" photographs",
                                               disable=not progress)):
                path = self.parts / f"{number:03}.npy"
                if not path.exists():
                    save(path, describe(sift, blob))
            listing.touch()
        rows = np.vstack([np.load(p) for p in sorted(self.parts.glob("*.npy"))])
        # Sorted first, so that the order does not depend on the pictures'.
        rows = np.unique(rows.view(f"V{DIM}").ravel()).view(np.uint8).reshape(-1, DIM)
        self.rows = rows[np.random.default_rng(SEED).permutation(len(rows))]
        self.total = len(rows)

    def make(self, start, stop, advance):
        advance(stop - start)
        return {NAME: self.rows[start:stop].astype(np.float32)}

    def clean(self):
        shutil.rmtree(self.parts)


def store(cache, progress=True):
    folder = cache / NAME
    # Bytes would do, but then every process that loads the set had to have its
    # own copy as floats, in place of one map of the file for all of them.
    # One block: a random order needs all of them before the first is known.
    return Store(folder, {NAME: (DIM, np.float32)}, lambda: Source(folder, progress), 10 ** 9)

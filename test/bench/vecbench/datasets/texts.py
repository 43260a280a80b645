"""The texts of the text sets: what people wrote, found in Debian packages.

A text is a paragraph, a dictionary entry or a saying, 40 to 1,000 characters
of English.  All are distinct (letters and digits compared, not case), and
they stand in the order of a hash, which is as good as random and does not
move the others when one of them changes.
"""
import collections
import gzip
import hashlib
import html
import os
import re

from . import debian

SHORTEST, LONGEST = 40, 1000
# Texts that begin with the same five words come from a template, thousands of
# them sometimes; this many are kept.
SAME_START = 25

DOCUMENTATION = ("linux-doc-6.1", "postgresql-doc-15", "python3.11-doc")
DICTIONARIES = ("dict-foldoc", "dict-jargon")
PACKAGING = re.compile(r"^(this|the \S+) (meta)?-?package (only )?(contains|provides|includes"
                       r"|installs|ships|is (a|the|part|built))", re.I)


def join(text):
    return " ".join(text.split())


def descriptions(translations):
    """Paragraphs of the packages' long descriptions."""
    for field in re.findall(r"^Description-en:.*\n((?: .*\n)*)", translations, re.M):
        for paragraph in re.split(r"^ +\.\s*$", field, flags=re.M):
            text = join(paragraph)
            if not PACKAGING.match(text):
                yield text


def paragraphs(folder):
    """What stands between <p> and </p> in HTML documentation."""
    for path in sorted(folder.rglob("*.html*")):
        if path.is_symlink() or not path.is_file() or "translations" in path.parts:
            continue
        data = path.read_bytes()
        if path.suffix == ".gz":
            data = gzip.decompress(data)
        page = data.decode("utf-8", "replace")
        for inner in re.findall(r"<p(?: [^>]*)?>(.*?)</p>", page, re.S):
            yield join(html.unescape(re.sub(r"<[^>]+>", "", inner)))


def entries(folder):
    """Entries of a dictionary for dictd: a head, and its text indented."""
    (path,) = folder.rglob("*.dict.dz")
    book = gzip.decompress(path.read_bytes()).decode("utf-8", "replace")
    for head, body in re.findall(r"^(\S.*)\n((?:[ \t]+.*\n|\n)+)", book, re.M):
        if head.startswith("00-"):
            continue
        body = re.sub(r"\(\d{4}-\d\d-\d\d\)|[{}]", "", body)
        yield f"{join(head)}: {join(body)}"


def glosses(folder):
    """WordNet: the words of a meaning, and what they mean."""
    for path in sorted(folder.rglob("wordnet/data.*")):
        for line in path.read_text().splitlines():
            if line.startswith(" "):
                continue            # the licence
            data, _, gloss = line.partition(" | ")
            fields = data.split()
            words = fields[4:4 + 2 * int(fields[3], 16):2]
            names = ", ".join(re.sub(r"\(\w+\)$", "", w).replace("_", " ") for w in words)
            yield f"{names}: {gloss.strip()}"


def sayings(folder):
    """The quotations, jokes and verses of fortune."""
    for path in sorted((folder / "usr/share/games/fortunes").iterdir()):
        if path.suffix or not path.is_file() or "art" in path.name.split("-"):
            continue
        for text in path.read_text(errors="replace").split("\n%\n"):
            yield join(text)


def shorten(text):
    """At most LONGEST characters, ending with a sentence."""
    if len(text) <= LONGEST:
        return text
    end = max(text.rfind(mark, 0, LONGEST) for mark in (". ", "! ", "? "))
    return text[:end + 1] if end > 0 else ""


def is_prose(text):
    """True for English sentences; false for code, tables and the like."""
    letters = sum(c.isalpha() or c == " " for c in text)
    return (len(text) >= SHORTEST and len(text.split()) >= 6
            and letters > 0.85 * len(text)
            and sum(c.isascii() for c in text) > 0.97 * len(text))


def choose(sources):
    """From {source: texts}: the list of (source, text), in its order."""
    seen, starts, chosen = set(), collections.Counter(), []
    for source, texts in sources:
        for text in map(shorten, texts):
            key = re.sub(r"\W", "", text.casefold())
            if key in seen or not is_prose(text):
                continue
            seen.add(key)
            start = " ".join(text.casefold().split()[:5])
            starts[start] += 1
            if starts[start] <= SAME_START:
                chosen.append((source, text))
    return sorted(chosen, key=lambda t: hashlib.sha256(t[1].encode()).digest())


def sources(apt):
    yield "package descriptions", descriptions(apt.translations())
    for package in DOCUMENTATION:
        yield package, paragraphs(apt.unpack(package))
    for package in DICTIONARIES:
        yield package, entries(apt.unpack(package))
    yield "wordnet-base", glosses(apt.unpack("wordnet-base"))
    yield "fortunes", sayings(apt.unpack("fortunes"))


def texts(folder):
    """The list of texts, from folder/texts.tsv.gz, which is made if it is not
    there.  Once made it stays: a store of embeddings goes by its order."""
    path = folder / "texts.tsv.gz"
    if not path.exists():
        with debian.Apt() as apt:
            chosen = choose(sources(apt))
        lines = "".join(f"{source}\t{text}\n" for source, text in chosen)
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        temporary.write_bytes(gzip.compress(lines.encode(), 6, mtime=0))
        temporary.rename(path)
    lines = gzip.decompress(path.read_bytes()).decode().split("\n")[:-1]
    return [line.partition("\t")[2] for line in lines]

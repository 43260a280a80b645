"""Runs what a page of doc/ tells its readers to do: run_doc.py PAGE; see README.md."""

import json
import os
import re
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

TREE = Path(__file__).resolve().parent.parent.parent
FENCE = re.compile(r"( *)```(\w*)")
DIRECTIVE = re.compile(r"<!-- test: (\w+)\s+(.*?) -->")
MARK = "--8<-- end of block --8<--"

# Runs blocks of Python, one JSON line each, in one namespace.
PYTHON = f"""
import json, sys
names = {{"__name__": "__main__"}}
for block in sys.stdin:
    code, page, line = json.loads(block)
    exec(compile("\\n" * line + code, page, "exec"), names)
    print("\\n" + {MARK!r}, flush=True)
"""


class Failure(Exception):
    """A block that did not do what the page says."""


class Block:
    """A fenced block: its language, its text, where it is, and its directive."""

    def __init__(self, language, line, directive):
        self.language, self.line, self.directive = language, line, directive
        self.text = ""


def read(page):
    """The sections of a page, each a list of blocks, and its set-up files."""
    sections, setup, block, directive = [[]], [], None, None
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        fence = FENCE.match(line)
        if block is not None:
            if fence and not fence[2]:
                block.text = textwrap.dedent(block.text)
                sections[-1].append(block)
                block = directive = None
            else:
                block.text += line + "\n"
        elif fence:
            block = Block(fence[2], number, directive)
        elif line.startswith("## "):
            sections.append([])
        elif found := DIRECTIVE.fullmatch(line.strip()):
            if found[1] == "setup":
                setup.append(found[2])
            else:
                directive = found.groups()
        elif line.strip():
            if directive:
                raise Failure(f"{number}: no block follows: {' '.join(directive)}")
    if block is not None:
        raise Failure(f"{block.line}: the block does not end")
    return sections, setup


class Session:
    """A process that runs one block after the other."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def send(self, text):
        """Send a block, and return what it printed."""
        try:
            self.process.stdin.write(text)
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        output = []
        for line in self.process.stdout:
            if line.rstrip("\n") == MARK:
                return "".join(output)
            output.append(line)
        output.append(f"exit status {self.process.wait()}")
        raise Failure("".join(output))

    def end(self):
        """True if it ends well."""
        self.process.stdin.close()
        rest = self.process.stdout.read()
        if self.process.wait() != 0:
            raise Failure(rest)


def run_sql(sessions, page, block):
    last = re.sub(r"--.*", "", block.text.rstrip().split("\n")[-1]).rstrip()
    if not last.endswith(";") and "\\" not in last:
        raise Failure("the last statement does not end")
    if "sql" not in sessions:
        sessions["sql"] = Session(["stdbuf", "-oL", "psql", "-X", "-q", "-P", "pager=off",
                                   "-v", "ON_ERROR_STOP=1"])
    # From a file, because a string that does not end would take in what comes after.
    with tempfile.NamedTemporaryFile("w", suffix=".sql", encoding="utf-8") as file:
        file.write("\n" * block.line + block.text)
        file.flush()
        output = sessions["sql"].send(f"\\i {file.name}\n\\echo {MARK}\n")
    return re.sub(r"^psql:\S+?\.sql:\d+: ", "", output, flags=re.MULTILINE)


def run_python(sessions, page, block):
    if "python" not in sessions:
        sessions["python"] = Session([sys.executable, "-B", "-c", PYTHON])
    return sessions["python"].send(json.dumps([block.text, str(page), block.line]) + "\n")


def run_sh(sessions, page, block):
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", block.text], text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    if done.returncode != 0:
        raise Failure(f"{done.stdout}\nexit status {done.returncode}")
    return done.stdout


LANGUAGES = {"sql": run_sql, "python": run_python, "sh": run_sh}


def plain(text):
    """Without blanks at the ends of lines, and empty lines around them."""
    return "\n".join(line.rstrip() for line in text.strip("\n").split("\n")).strip("\n")


def compare(output, expected):
    """"..." in what is expected stands for anything, and alone in a line for any lines."""
    pattern = "".join(
        r"(?:.*\n)*?" if line.strip() == "..." else
        ".*?".join(re.escape(part) for part in line.split("...")) + "\n"
        for line in plain(expected).split("\n"))
    if not re.fullmatch(pattern, plain(output) + "\n"):
        raise Failure(f"printed\n{plain(output)}\nand not\n{plain(expected)}")


def contained(block, name):
    """That a file of the tree has the block, indented as it may be."""
    text = (TREE / name).read_text(encoding="utf-8")
    for indent in {match[0] for match in re.finditer(r"^[ \t]*", text, re.MULTILINE)}:
        if textwrap.indent(block.text, indent) in text:
            return
    raise Failure(f"is not in {name}")


class Page:
    """Runs a page, and counts what it did."""

    def __init__(self, page):
        self.page = page
        self.ran = self.compared = self.same = 0
        self.skipped = []

    def run_block(self, sessions, block, expected):
        action, argument = block.directive or (None, None)
        if action == "skip":
            self.skipped.append(f"{block.line}: {argument}")
        elif action == "in":
            contained(block, argument)
            self.same += 1
        elif action == "file":
            Path(argument).write_text(block.text, encoding="utf-8")
        elif action is not None:
            raise Failure(f"unknown directive {action}")
        elif block.language in LANGUAGES:
            output = LANGUAGES[block.language](sessions, self.page, block)
            self.ran += 1
            if expected is not None:
                compare(output, expected)
                self.compared += 1
        elif block.language != "text":
            raise Failure(f"neither run nor skipped: {block.language or 'no language'}")

    def run_section(self, blocks):
        sessions = {}
        for block, after in zip(blocks, blocks[1:] + [None]):
            expected = after.text if after is not None and after.language == "text" else None
            try:
                self.run_block(sessions, block, expected)
            except Failure as failure:
                raise Failure(f"{block.line}: {failure}") from None
        for name, session in sessions.items():
            try:
                session.end()
            except Failure as failure:
                raise Failure(f"{blocks[-1].line}: {name} at the end of the section:"
                              f" {failure}") from None

    def run_setup(self, name):
        if name.endswith(".sql"):
            data = TREE / "test/data"
            command = ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1",
                       "-v", f"packages={data}/packages.copy",
                       "-v", f"questions={data}/questions.copy", "-f", TREE / name]
        else:
            command = [sys.executable, "-B", TREE / name]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)

    def run(self):
        sections, setup = read(self.page)
        for name in setup:
            self.run_setup(name)
        for blocks in sections:
            self.run_section(blocks)
        if self.compared == 0:
            raise Failure("0: no output was compared")


def main():
    page = Page(Path(sys.argv[1]).resolve())
    try:
        page.run()
    except Failure as failure:
        sys.exit(f"{sys.argv[1]}:{failure}")
    for skipped in page.skipped:
        print(f"skipped {page.page.name}:{skipped}")
    print(f"page: {page.ran} blocks run, {page.compared} outputs compared"
          + (f", {page.same} in other tests" if page.same else "")
          + (f", {len(page.skipped)} skipped" if page.skipped else ""))


if __name__ == "__main__":
    main()

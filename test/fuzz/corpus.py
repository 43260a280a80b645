#!/usr/bin/python3
"""Inputs as lines of text, so that they can be read, reviewed and edited.

    corpus.py unpack FILE DIR     make an input of each line
    corpus.py line INPUT          print the line that makes this input

A line is the input itself, with \\xNN for what is not printable ASCII, \\\\
for a backslash, and \\x20 for a space at the end.  Lines that begin with #
are comments, and there are no empty ones.
"""

import re
import sys
from pathlib import Path


def unpack(source, folder):
    Path(folder).mkdir(parents=True, exist_ok=True)
    for number, line in enumerate(Path(source).read_text().splitlines(), 1):
        if line.startswith("#"):
            continue
        data = re.sub(rb"\\(?:x([0-9a-f]{2})|(\\))",
                      lambda m: m[2] or bytes([int(m[1], 16)]),
                      line.encode("ascii"))
        Path(folder, f"{number:04}").write_bytes(data)


def line(path):
    text = "".join(
        "\\\\" if byte == 0x5c else
        chr(byte) if 0x20 <= byte <= 0x7e else f"\\x{byte:02x}"
        for byte in Path(path).read_bytes())
    if text.startswith("#"):
        text = "\\x23" + text[1:]
    if text.endswith(" "):
        text = text[:-1] + "\\x20"
    print(text)


if sys.argv[1] == "unpack":
    unpack(sys.argv[2], sys.argv[3])
else:
    line(sys.argv[2])

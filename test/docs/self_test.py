"""That run_doc.py finds what is wrong with a page, and nothing where nothing is."""

import subprocess
import sys
import tempfile
from pathlib import Path

RUN = Path(__file__).resolve().parent / "run_doc.py"

GOOD = """\
# Page

<!-- test: setup test/demo/load.sql -->

```sql
CREATE TEMP TABLE t AS SELECT 1 AS a;
SET application_name = 'kept';
```

```python
import os
kept = 6
```

1. Indented:

   ```sql
   SELECT a FROM t; -- a comment
   SHOW application_name \\gx
   ```

   ```text
    a
   ---
    1
   (1 row)
   ...
   application_name | ...pt
   ```

```python
print(kept * 7)
```

```text
42
```

<!-- test: file saved.py -->
```python
print("saved")
```

```sh
python3 saved.py
psql -Atc 'SELECT 3'
```

```text
saved
3
```

## Another section

```sql
DO $$ BEGIN RAISE NOTICE 'new session: %', to_regclass('t') IS NULL; END $$;
```

```text
NOTICE:  new session: t
```

<!-- test: skip it needs a year -->
```sql
SELECT pg_sleep(365 * 86400);
```

<!-- test: in test/docs/self_test.py -->
```python
return subprocess.run(
    [sys.executable, "-B", RUN, "page.md"],
```

```sql
SELECT count(*) FROM packages;
```

Not run: `SELECT 1/0`.
"""

END = "\n```sql\nSELECT 1;\n```\n```text\n...\n```\n"

# Pages, and what is said of them.
BAD = [
    ("```sql\nSELECT 1/0;\n```\n" + END, ".sql:2: ERROR:  division by zero"),
    ("```sql\nSELECT 2 AS a;\n```\n```text\n a\n---\n 3\n(1 row)\n```\n", "page.md:1: printed"),
    ("```sql\nSELECT 2 AS a;\n```\n```text\n a\n---\n```\n", "page.md:1: printed"),
    ("```sql\nSELECT 2\n```\n" + END, "page.md:1: the last statement does not end"),
    ("```sql\nBEGIN;\n```\n```sql\nSELECT '1;\n```\n" + END, "unterminated quoted string"),
    ("```python\nassert 1 == 2\n```\n" + END, "AssertionError"),
    ("```python\nexit(3)\n```\n" + END, "page.md:1:"),
    ("```python\nkept = 1\n```\n## New\n```python\nkept\n```\n" + END, "page.md:5: "),
    ("```sh\nfalse | true\n```\n" + END, "page.md:1: \nexit status 1"),
    ("```go\npackage main\n```\n" + END, "page.md:1: neither run nor skipped: go"),
    ("<!-- test: in test/docs/README.md -->\n```go\nnot there\n```\n" + END, "page.md:2: is not in"),
    ("<!-- test: skip this -->\ntext\n" + END, "page.md:2: no block follows"),
    ("<!-- test: skipp this -->\n```sql\nSELECT 1;\n```\n" + END, "page.md:2: unknown directive"),
    ("```sql\nSELECT 1;\n", "page.md:1: the block does not end"),
    ("```sql\nSELECT 1;\n```\n", "page.md:0: no output was compared"),
]


def run(page):
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "page.md").write_text(page, encoding="utf-8")
        return subprocess.run(
            [sys.executable, "-B", RUN, "page.md"],
            cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


good = run(GOOD)
assert good.returncode == 0, good.stdout
assert good.stdout.endswith("page: 7 blocks run, 4 outputs compared, 1 in other tests,"
                            " 1 skipped\n"), good.stdout
for bad, complaint in BAD:
    done = run(bad)
    assert done.returncode != 0 and complaint in done.stdout, f"{bad}\n{done.stdout}"
print(f"page: 1 good and {len(BAD)} bad pages told apart")

"""python -m vecbench.datasets [NAME...] [--size N]: make sets, and say what
there is."""
import argparse
import sys
from pathlib import Path

from . import Error, cached, default_cache, load, names


def table(cache):
    print(f"in {cache}:")
    print(f"{'name':10}{'rows':>10}{'of':>10}{'dim':>6}  {'metric':8}{'MB':>7}  about")
    for name, rows, total, dim, metric, size, about in cached(cache):
        print(f"{name:10}{rows:>10,}{f'{total:,}' if total else '?':>10}{dim:>6}  {metric:8}"
              f"{size / 1e6:>7,.0f}  {about}")


def main():
    parser = argparse.ArgumentParser(prog="python -m vecbench.datasets",
                                     description="Make data sets, and list what there is.")
    parser.add_argument("name", nargs="*", help=f"{', '.join(names())}, or a file")
    parser.add_argument("--size", type=int, help="rows (default: all)")
    parser.add_argument("--cache", type=Path, default=default_cache())
    args = parser.parse_args()
    try:
        for name in args.name:
            made = load(name, args.size, args.cache)
            print(f"{made.name}: {len(made.base):,} x {made.base.shape[1]}, {made.metric}, "
                  f"{len(made.queries):,} queries")
    except Error as error:
        sys.exit(f"{parser.prog}: {error}")
    except KeyboardInterrupt:
        sys.exit(f"{parser.prog}: interrupted; what was made is kept")
    table(args.cache)


if __name__ == "__main__":
    main()

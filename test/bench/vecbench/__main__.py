"""The command line: python -m vecbench (test/bench/bench makes its
environment and calls it)."""
import argparse
import os
import pathlib
import signal
import sys

from . import compare, datasets, report, run

QUICK = {"sets": ["sift128", "text384"], "size": 20000, "seconds": 0.05, "rounds": 3,
         "measures": ["search"], "growth": []}
OUT = pathlib.Path("build/bench")


def number(text):
    """20000, 20k or 1M."""
    scale = {"k": 1000, "M": 1000000}.get(text[-1:], 1)
    return int(text.rstrip("kM")) * scale


def parse(arguments):
    parser = argparse.ArgumentParser(prog="test/bench/bench", description="vecdb and its peers, "
                                     "side by side in one run, in turn.")
    parser.add_argument("--sets", nargs="+", default=["sift128", "text384", "text768"], metavar="SET",
                        help="data sets by name, or files: .hdf5, .npy, .fvecs, .bvecs")
    parser.add_argument("--size", type=number, default=100000, help="rows: 20000, 20k, 1M")
    parser.add_argument("--peers", nargs="+", default=["*"], metavar="PATTERN",
                        help="'vecdb*', 'faiss ivf*', hnswlib, ...")
    parser.add_argument("--measures", nargs="+", default=list(run.MEASURES), choices=run.MEASURES)
    parser.add_argument("--growth", nargs="*", type=number, default=[10000, 100000, 1000000],
                        metavar="SIZE", help="sizes of the first set to measure growth with")
    parser.add_argument("-k", type=int, default=10, help="rows asked for, at most 100")
    parser.add_argument("--seconds", type=float, default=0.4, help="of a slice")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--clients", type=int, default=os.cpu_count(), help="of the many")
    parser.add_argument("--pg", default="", help="17 or 18: PostgreSQL in a chroot")
    parser.add_argument("--out", type=pathlib.Path,
                        help=f"folder for the report and the raw file (default {OUT}; a run "
                        "that was stopped is gone on with, unless --quick)")
    parser.add_argument("--cache", type=pathlib.Path, default=pathlib.Path("/var/cache/vecdb/bench"))
    parser.add_argument("--pgbench", default="pgbench")
    parser.add_argument("--quick", action="store_true", help="two sets of 20,000 rows, searched")
    parser.add_argument("--make", action="store_true", help="only make the data sets")
    parser.add_argument("--report", action="store_true", help="only write the report of --out again")
    parser.add_argument("--compare", nargs=2, metavar="RAW", help="two raw files")
    options = parser.parse_args(arguments)
    if not 1 <= options.k <= 100:
        parser.error("-k is from 1 to 100: the truth of a data set has so many rows")
    for name, value in QUICK.items() if options.quick else []:
        setattr(options, name, value)
    options.out = options.out or OUT.with_name(OUT.name + ("-quick" if options.quick else ""))
    if options.quick and not options.make:
        (options.out / "raw.json").unlink(missing_ok=True)
    return options


def main():
    options = parse(sys.argv[1:])
    # Whatever ends this process, it gives back what it holds.
    for name in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, lambda *_: sys.exit(130))
    try:
        if options.compare:
            print(compare.compare(*options.compare))
        elif options.make:
            for name in options.sets:
                datasets.load(name, options.size, options.cache)
        elif options.report:
            report.write(options.out)
        else:
            run.main(options)
            print(report.summary(options.out))
    except datasets.Error as error:
        sys.exit(f"data set: {error}")
    except KeyboardInterrupt:
        sys.exit("stopped; the same command goes on where this was")


if __name__ == "__main__":
    main()

"""Run the benchmarks: `python -m benchmarks [NAME ...]`. Exits with 1 if a target is missed."""

import argparse
import importlib
import logging
import sys
import tempfile
from pathlib import Path

import structlog

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))  # the generators of long histories stand there

NAMES = ("rollback", "timeline", "one_of_many", "memory", "features", "kubernetes")


def main() -> int:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("name", nargs="*", choices=[[], *NAMES], help=f"which ones, of {', '.join(NAMES)}")
    parser.add_argument("--commits", type=int, default=30_000)
    asked = parser.parse_args()
    missed = False
    for name in asked.name or NAMES:
        benchmark = importlib.import_module(f"benchmarks.{name}")
        print(f"\n{name}: {benchmark.__doc__.splitlines()[0]}", flush=True)
        with tempfile.TemporaryDirectory(prefix=f"lastgood-bench-{name}-") as folder:
            for figure in benchmark.measure(Path(folder), commits=asked.commits):
                print("  " + figure.line(), flush=True)
                missed = missed or figure.met is False
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

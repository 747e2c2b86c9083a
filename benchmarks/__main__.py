"""`make bench`: measures the speed promises on servers of its own, and says which are kept.

    python -m benchmarks [name ...]

Ends with 1 if a benchmark did not do its work. A promise that is not kept is said in the table and in var/bench.json:
on a busy machine it is no reason to stop.
"""

import sys
from collections.abc import Sequence

from django.db import DatabaseError

from benchmarks.home import servers
from benchmarks.measurement import NotDoneError
from benchmarks.registry import Promise, UnknownBenchmarkError, chosen
from benchmarks.table import Result, table, write
from config.embedded import EmbeddedError


def main(names: Sequence[str]) -> int:
    """Measures what is named (everything without names); returns the exit code."""
    try:
        promises = chosen(names)
        with servers():
            results, failures = measured(promises)
    except (EmbeddedError, UnknownBenchmarkError) as problem:
        sys.exit(f"footfall: {problem}")
    print(f"\n{table(results)}\nwritten to {write(results)}")
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


def measured(promises: Sequence[Promise]) -> tuple[list[Result], list[str]]:
    """The results, and for what failed a sentence each: one that fails does not keep the others from being measured."""
    results, failures = [], []
    for promise in promises:
        print(f"measuring {promise.name} ...", flush=True)
        try:
            results.append(Result(promise, promise.measure()))
        except (NotDoneError, DatabaseError) as error:
            failures.append(f"{promise.name} FAILED: {error}")
    return results, failures


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

#!/usr/bin/env python3
"""`./dev bench [NAME…] [--quick] [--json]`: actant beside its peers, in one run on one machine.

Every comparison runs in rounds that alternate between actant and the peer, and gives medians and the
median of the rounds' ratios, actant's figure over the peer's. Where the unit is s, MB or B, less is better
and below 1 actant takes less; where it is 1/s, more is better and above 1 actant does more. Figures are never
part of a test.
"""

import argparse
import json
import os
import platform
import shutil
import sys

import bench_actors
import bench_durability
import bench_shell
import bench_tasks
from harness import Bench

BENCHES = {f.__name__: f for f in (
    bench_shell.hello, bench_shell.shell, bench_shell.scaling, bench_shell.chain,
    bench_shell.history, bench_shell.validate, bench_shell.loop, bench_actors.actors,
    bench_tasks.tasks, bench_durability.durability)}


def main():
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHES))
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    for name in args.names:
        if name not in BENCHES:
            parser.error(f"there is no {name}; there are {', '.join(BENCHES)}")
    for peer in ("ninja", "make", "parallel"):
        if not shutil.which(peer):
            sys.exit(f"bench: {peer} is missing; `./dev setup bench` gets the peers")
    bench = Bench(args.quick, 2 if args.quick else 5)
    print(f"{platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}",
          file=sys.stderr)
    try:
        for name, function in BENCHES.items():
            if not args.names or name in args.names:
                function(bench)
    finally:
        shutil.rmtree(bench.folder, ignore_errors=True)
    if args.json:
        print(json.dumps(bench.rows, indent=1))


if __name__ == "__main__":
    main()

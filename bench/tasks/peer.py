"""A peer of `./dev bench tasks`: reads lines `WORK COUNT` (group, chain or chord of COUNT no-ops) and
answers each with the seconds that it took, servers and workers warm, results gathered. `ready` comes first."""

import sys
import time


def serve(works):
    for name in works:  # connections, first imports
        works[name](3)
    print("ready", flush=True)
    for line in sys.stdin:
        work, count = line.split()
        begin = time.perf_counter()
        works[work](int(count))
        print(time.perf_counter() - begin, flush=True)

"""What it costs that nothing is lost: events through the producer beside one synchronous transaction an event and
beside SQLite alone, at both levels; a chain at `power` beside the same at `process` and beside the disk.
durability/durability.c says what each work is and what its figures are."""

import shutil
import statistics
import subprocess
import sys

import workloads
from harness import RELEASE, run

PROGRAM = str(RELEASE / "bench" / "durability")
LEVELS = {"process": (100_000, 1_000_000), "power": (3_000, 300_000)}  # events: one by one, in batches


def measure(b, work, level, count, *more):
    """(events a second, median wait, p99 of a wait, mean batch), in a database of its own."""
    folder = b.folder / "durability"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    done = subprocess.run([PROGRAM, work, level, str(folder / "db"), str(count), *map(str, more)],
                          capture_output=True, text=True, timeout=900)
    if done.returncode != 0:
        sys.exit(f"bench: {work} at {level}: {done.stderr}")
    return [float(word) for word in done.stdout.split()]


def sides(b, level, works):
    """Rounds of all works in turn: {work: [figures of each round]}."""
    return b.alternate({work: lambda w=work, n=count, m=more: measure(b, w, level, n, *m)
                        for work, (count, *more) in works.items()})


def figures(rounds, at):
    return [values[at] for values in rounds]


def compare(b, name, unit, ours, peer, theirs):
    b.rows_of(name, unit, {"actant": ours, peer: theirs})


def of_level(b, level):
    single, many = (n // 10 if b.quick else n for n in LEVELS[level])
    got = sides(b, level, {"sync": (single,), "producer": (many,), "hundred": (many,),
                           "bare": (many,), "bare-row": (many,)})
    pause = 2 * statistics.median(figures(got["sync"], 1))  # the disk has time for each
    waits = sides(b, level, {"wait": (min(single, 2000), int(pause))})
    rate = {work: figures(rounds, 0) for work, rounds in got.items()}
    last = {work: figures(rounds, 2) for work, rounds in got.items()}
    compare(b, f"events through the producer, {level}", "1/s", rate["producer"], "one transaction each",
            rate["sync"])
    for bare in ("bare", "bare-row"):
        compare(b, f"batches of 100, {level}", "1/s", rate["hundred"], f"SQLite, {bare}", rate[bare])
        compare(b, f"p99 of a group commit of 100, {level}", "µs", last["hundred"], f"SQLite, {bare}",
                last[bare])
    compare(b, f"a putter's median wait, {level}", "µs", figures(waits["wait"], 1), "one transaction",
            figures(got["sync"], 1))
    compare(b, f"a putter's p99 wait, {level}", "µs", figures(waits["wait"], 2), "one transaction",
            last["sync"])


def chain_of(b):
    count = 100 if b.quick else 1000
    flow = b.write("durable.yaml", workloads.actant_chain(count, '"true"'))
    times = b.alternate({
        "power": lambda: b.time(run(flow, "--durability", "power"), b.fresh_db),
        "process": lambda: b.time(run(flow, "--durability", "process"), b.fresh_db),
        "disk": lambda: count / measure(b, "disk", "power", count)[0]})
    b.rows_of(f"chain of {count} `true`, power", "s",
              {"actant": times["power"], "actant, process": times["process"],
               f"{count} fdatasync": times["disk"]})


def durability(b):
    for level in LEVELS:
        of_level(b, level)
    chain_of(b)

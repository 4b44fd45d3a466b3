"""The actor runtime beside Kameo and Ractor as their crates come, and beside Ractor without the tracing span
that it carries in each message. actors/actant_actors.c says what each work is. Each program takes its own
time, from the first message to the end of the work."""

import subprocess
import sys

from harness import RELEASE, TOOLS

OURS = RELEASE / "bench" / "actant_actors"
PEERS = {
    "Kameo": TOOLS / "actors" / "release" / "actors-kameo",
    "Ractor": TOOLS / "actors" / "release" / "actors-ractor",
    "Ractor, no spans": TOOLS / "actors-lean" / "release" / "actors-ractor",
}
UNBOUNDED = ("Ractor", "Ractor, no spans")

# work: (operations of actant, of a peer, what the row says, who has no such thing)
WORKS = {
    "tell1": (1_000_000, 1_000_000, "tell 1→1", ()),
    "tell8": (1_000_000, 1_000_000, "tell 8→1", ()),
    "tell1-bounded": (1_000_000, 1_000_000, "tell 1→1, mailbox of 1,000", UNBOUNDED),
    "tell8-bounded": (1_000_000, 1_000_000, "tell 8→1, mailbox of 1,000", UNBOUNDED),
    "ask": (300_000, 300_000, "ask round trip", ()),
    "spawn-awaited": (50_000, 50_000, "spawn, await start, stop, await", ()),
    "spawn": (50_000, 50_000, "spawn 1,000, stop, await all", ()),
}
MODES = {"one": "one thread", "threads": "two threads"}
IDLE = 100_000


def call(program, *arguments):
    done = subprocess.run([str(program), *map(str, arguments)], capture_output=True, text=True,
                          timeout=300)
    if done.returncode != 0:
        sys.exit(f"bench: {program} {arguments}: {done.stderr[-2000:]}")
    return [float(word) for word in done.stdout.split()]


def sides(mode, work, own_count, peer_count, without=()):
    """Name → a measure of one run. One figure of the line that the program prints: the first."""
    result = {"actant": lambda: call(OURS, mode, work, own_count)[0]}
    for name, path in PEERS.items():
        if path.exists() and name not in without:
            result[name] = lambda path=path: call(path, mode, work, peer_count)[0]
    return result


def idle(b, mode, label):
    sizes = {name: call(program, mode, "idle", IDLE)
             for name, program in {"actant": OURS, **PEERS}.items() if program.exists()}
    for at, what in enumerate(("allocated", "resident")):
        b.rows_of(f"idle actor, {what}, {label}", "B",
                  {name: [values[at]] for name, values in sizes.items()})


def allocations(b, mode, label):
    """Per operation; once, for they do not vary."""
    for work, (_, count, name, without) in WORKS.items():
        if work in ("tell1", "ask", "spawn"):
            counted = {side: [call(PEERS.get(side, OURS), mode, work, count, "count")[0]]
                       for side in sides(mode, work, 1, 1, without)}
            b.rows_of(f"allocations, {name}, {label}", "", counted)


def actors(b):
    for name, program in PEERS.items():
        if not program.exists():
            print(f"bench: {name} is left out; `./dev setup bench` builds it (needs cargo)",
                  file=sys.stderr)
    for mode, label in MODES.items():
        for work, (own_count, peer_count, name, without) in WORKS.items():
            measured = b.alternate(sides(mode, work, own_count, peer_count, without))
            b.rows_of(f"{name}, {label}", "1/s", measured)
        idle(b, mode, label)
        allocations(b, mode, label)

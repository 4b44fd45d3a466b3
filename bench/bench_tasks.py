"""No-op tasks through the engine, history on, beside Celery, Dask and Temporal's development server; and beside
two bare yardsticks, a loop of round trips to one Python worker and the store alone.

Actant's figure is the whole command (`actant run -j 64 FILE`, compiled anew, workers started anew, the history
on disk); a peer's servers and workers are up and warm, and only the work is timed. Everybody has two workers
that may be handed up to 64 tasks ahead (Dask and Temporal: as they come). Tasks a second: more is better, the
ratio is how many times the peer's rate."""

import shutil
import subprocess
import sys

import workloads
from harness import RELEASE, ROOT, TOOLS, run

PYTHON = TOOLS / "venv" / "bin" / "python"
SOURCES = ROOT / "bench" / "tasks"

# What a no-op of each kind is in a workflow.
KINDS = {
    "plugin in a thread": "plugin: noop:noop, isolation: thread",
    "plugin in a host process": "plugin: noop:noop",
    "Python": "python: noop:noop",
}

# script, what must be there, what it says of durability, rounds at most
PEERS = {
    "Celery": ("celery_peer.py", lambda: PYTHON.exists() and shutil.which("redis-server"),
               "not durable", 3),
    "Dask": ("dask_peer.py", PYTHON.exists, "not durable", 3),
    "Temporal": ("temporal_peer.py", (TOOLS / "temporal").exists, "durable", 1),
}


class Peer:
    """A peer's servers, up for as long as the object is open. Its log is kept for when it fails."""

    def __init__(self, name, folder):
        self.name, (script, _, durable, self.rounds) = name, PEERS[name]
        self.label = f"{name} ({durable})"
        self.log = folder / f"{name}.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([str(PYTHON), str(SOURCES / script)], text=True,
                                            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            stderr=log, cwd=folder)
        if self.answer() != "ready":
            self.fail()

    def fail(self):
        sys.exit(f"bench: {self.name} failed:\n{self.log.read_text(errors='replace')[-3000:]}")

    def answer(self):
        return self.process.stdout.readline().strip()

    def rate(self, work, count):
        self.process.stdin.write(f"{work} {count}\n")
        self.process.stdin.flush()
        try:
            return count / float(self.answer())
        except ValueError:
            self.fail()

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=60)


def open_peers(b):
    peers = []
    for name, (_, there, _, _) in PEERS.items():
        if there():
            peers.append(Peer(name, b.folder))
        else:
            print(f"bench: {name} is left out; `./dev setup bench` gets it", file=sys.stderr)
    return peers


class Ours:
    """One kind of no-op in one composite, as a file, and the rate of running it."""

    def __init__(self, b, kind, work, count):
        self.b, self.count = b, count
        name = f"{work}-{count}-{list(KINDS).index(kind)}.yaml"
        self.path = b.write(name, workloads.noops(work, count, KINDS[kind]))

    def rate(self):
        return self.count / self.b.time(run(self.path, "-j", "64"))


def beside_peers(b, peers, kinds, work, count, peer_counts, rounds):
    """Rows of each kind beside each peer, which is given as many as it can bear."""
    sides = {kind: (Ours(b, kind, work, count).rate, rounds) for kind in kinds}
    for peer in peers:
        fewer = peer_counts.get(peer.name, count)
        if fewer:
            label = peer.label + (f", {fewer:,}" if fewer != count else "")
            sides[label] = (lambda peer=peer, fewer=fewer: peer.rate(work, fewer), peer.rounds)
    # A peer was warm when it was ready; a round of seconds more would say nothing.
    values = {name: [] for name in sides}
    for i in range(rounds):
        for name, (measure, most) in sides.items():
            if i < most:
                values[name].append(measure())
    for kind in kinds:
        theirs = {name: v for name, v in values.items() if name not in kinds}
        b.rows_of(f"{work} of {count:,}, {kind}", "1/s", {"actant": values[kind], **theirs})


def round_trips(b):
    """One worker, one in flight, no engine: the rate."""
    done = subprocess.run([str(RELEASE / "bench" / "python_roundtrip"), b.env["ACTANT_PYTHON"],
                           str(SOURCES / "python_roundtrip.py"), "20000"],
                          capture_output=True, text=True, check=True)
    return float(done.stdout)


def store_alone(b, ours):
    """The events of a run, in the engine's own batches, into a fresh database: tasks a second."""
    b.fresh_db()
    ours.rate()
    source = b.env["ACTANT_DB"]

    def rate():
        target = b.folder / "alone"
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir()
        done = subprocess.run([str(RELEASE / "bench" / "store_rate"), source,
                               str(target / "actant.db"), str(ours.count)],
                              capture_output=True, text=True, check=True)
        return float(done.stdout)
    return rate


def yardsticks(b, count):
    python = Ours(b, "Python", "group", count)
    b.rows_of(f"group of {count:,}, Python", "1/s", b.alternate(
        {"actant": python.rate, "bare round trips": lambda: round_trips(b)}))
    for work in ("group", "chain"):
        ours = Ours(b, "plugin in a thread", work, count)
        b.rows_of(f"{work} of {count:,}, plugin in a thread", "1/s", b.alternate(
            {"actant": ours.rate, "the store alone": store_alone(b, ours)}))


def linear(b, few, many):
    """The rate at many over the rate at few: 1 is linear, the command's start-up is on few's side."""
    for kind in KINDS:
        for work in ("group", "chain"):
            b.rows_of(f"{work} of {many:,}, {kind}", "1/s", b.alternate(
                {"actant": Ours(b, kind, work, many).rate,
                 f"actant, {few:,}": Ours(b, kind, work, few).rate}, 1 if b.quick else 3))


def prepare(b):
    """The plugin and the module where a workflow finds them, and a Python for its workers."""
    shutil.copy(SOURCES / "noop.py", b.folder)
    b.env["ACTANT_PYTHON"] = b.env.get("ACTANT_PYTHON") or sys.executable
    b.env["ACTANT_PYTHON_WORKERS"] = "2"
    b.env["ACTANT_PLUGIN_PATH"] = str(RELEASE / "bench")


def tasks(b):
    prepare(b)
    b.fresh_db()
    few, many, rounds = (100, 1000, 1) if b.quick else (1000, 10000, 3)
    kinds, chord_kinds = list(KINDS), ["plugin in a thread", "Python"]
    yardsticks(b, many)
    linear(b, few, many)
    peers = open_peers(b)
    try:
        beside_peers(b, peers, kinds, "group", few, {}, rounds)
        beside_peers(b, peers, chord_kinds, "chord", few, {}, rounds)
        # A chain of 1,000 takes Temporal more than a minute, 10,000 tasks as much as the others half of one.
        beside_peers(b, peers, kinds, "chain", few, {"Temporal": few // 10}, 1)
        beside_peers(b, peers, kinds, "group", many, {"Temporal": 0}, 1)
    finally:
        for peer in peers:
            peer.close()

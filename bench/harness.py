"""What every bench has: rounds, rows, a folder and a database of its own, the programs of build/bench."""

import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
RELEASE = ROOT / "build" / "release"
ACTANT = str(RELEASE / "actant")
TOOLS = ROOT / "build" / "bench"


class Bench:
    def __init__(self, quick, rounds):
        self.quick, self.rounds = quick, rounds
        self.rows = []
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="actant-bench-"))
        self.env = {k: v for k, v in os.environ.items()
                    if k not in ("CI", "GITHUB_ACTIONS", "MAKEFLAGS", "NINJA_STATUS")}
        self.fresh_db()

    def fresh_db(self):
        db = self.folder / "db"
        shutil.rmtree(db, ignore_errors=True)
        db.mkdir()
        self.env["ACTANT_DB"] = str(db / "actant.db")

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return str(path)

    def time(self, command, before=None):
        """Seconds of one run."""
        if before:
            before()
        start = time.perf_counter()
        done = subprocess.run(command, env=self.env, cwd=self.folder, stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        seconds = time.perf_counter() - start
        if done.returncode != 0:
            sys.exit(f"bench: {' '.join(map(str, command))[:200]}\n{done.stderr.decode()[-2000:]}")
        return seconds

    def pair(self, name, ours, peer_name, peer, before=None, rounds=None):
        """Rounds of ours, peer, ours, peer …; one row."""
        a, b = [], []
        self.time(ours, before), self.time(peer)
        for _ in range(rounds or self.rounds):
            a.append(self.time(ours, before))
            b.append(self.time(peer))
        self.row(name, "s", statistics.median(a), peer_name, statistics.median(b),
                 statistics.median(x / y for x, y in zip(a, b)))

    def alternate(self, sides, rounds=None):
        """A measure a side, in rounds of all sides in turn, after one round to warm up: {name: [values]}."""
        values = {name: [] for name in sides}
        for i in range((rounds or self.rounds) + 1):
            for name, measure in sides.items():
                value = measure()
                if i > 0:
                    values[name].append(value)
        return values

    def rows_of(self, name, unit, values):
        """A row for each peer; the first side is ours."""
        (_, ours), *peers = values.items()
        for peer, theirs in peers:
            self.row(name, unit, statistics.median(ours), peer, statistics.median(theirs),
                     statistics.median(x / y for x, y in zip(ours, theirs)))

    def row(self, name, unit, value, peer, peer_value, ratio):
        row = {"name": name, "unit": unit, "actant": round(value, 5), "peer": peer,
               "peer_value": None if peer_value is None else round(peer_value, 5),
               "ratio": None if ratio is None else round(ratio, 3)}
        self.rows.append(row)
        print(f"{name:44} {row['actant']:>10} {unit:3} {peer:>24} {str(row['peer_value']):>10}"
              f"   ratio {row['ratio']}", file=sys.stderr, flush=True)

    def peak_kb(self, command):
        """Peak resident memory of one run, by the kernel's own account."""
        script = ("import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, "
                  "stdout=subprocess.DEVNULL); print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
        done = subprocess.run([sys.executable, "-c", script, *command], env=self.env,
                              cwd=self.folder, capture_output=True, text=True, check=True)
        return int(done.stdout.split()[-1])


def tool(name, *libraries):
    """A yardstick of bench/*.c, built when needed."""
    TOOLS.mkdir(parents=True, exist_ok=True)
    source, target = ROOT / "bench" / f"{name}.c", TOOLS / name
    if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
        subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", "-o", str(target), str(source), *libraries],
                       check=True)
    return str(target)


def run(path, *flags):
    return [ACTANT, "run", path, *flags]



#!/usr/bin/env python3
"""`./dev bench [NAME] [--quick] [--json]`: actant beside its peers, in one run on one machine.

Every comparison runs in rounds that alternate between actant and the peer, and gives medians and the
median of the rounds' ratios (below 1: actant takes less). Figures are never part of a test.
"""

import argparse
import json
import os
import pathlib
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import workloads

ROOT = pathlib.Path(__file__).resolve().parent.parent
ACTANT = str(ROOT / "build" / "release" / "actant")
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


def hello(b):
    ours = b.write("hello.yaml", "run: echo hello\n")
    b.write("hello.ninja", workloads.ninja(1, "echo hello", False))
    rounds = 5 if b.quick else 40
    b.pair("hello, warm database", run(ours), "sh -c", ["sh", "-c", "echo hello"], rounds=rounds)
    b.pair("hello, warm database", run(ours), "ninja", ["ninja", "-f", "hello.ninja"],
           rounds=rounds)
    b.pair("hello, fresh database", run(ours), "ninja", ["ninja", "-f", "hello.ninja"],
           before=b.fresh_db, rounds=rounds)


# `:` keeps the shell: it is a builtin. `true` alone is started without one.
THROUGH_SH, WITHOUT = ("sh", "true;"), ("no shell", "true")


def independent(b, count, label, command):
    j = 4
    ours = b.write("group.yaml", workloads.actant_group(count, f'"{command}"'))
    b.write("group.ninja", workloads.ninja(count, command, False))
    b.write("group.mk", workloads.make(count, command, False))
    bare = [tool("bare_loop"), str(count), str(j)]
    bare += ["/bin/sh", "-c", command] if label == "sh" else [f"/bin/{command}"]
    name = f"{count} independent, {label}, -j {j}"
    rounds = 1 if b.quick else (3 if count > 1000 else b.rounds)
    b.pair(name, run(ours, "-j", str(j)), "ninja", ["ninja", "-f", "group.ninja", "-j", str(j)],
           rounds=rounds)
    b.pair(name, run(ours, "-j", str(j)), "bare loop", bare, rounds=rounds)
    b.pair(name, run(ours, "-j", str(j)), "make", ["make", "-s", "-f", "group.mk", f"-j{j}", "all"],
           rounds=rounds)
    if count == 1000 and label == "sh":
        b.pair(name, run(ours, "-j", str(j)), "GNU parallel",
               ["sh", "-c", f"seq {count} | parallel -j {j} true"], rounds=1 if b.quick else 3)
        if (TOOLS / "dagu").exists():
            dag = b.write("group_dagu.yaml", workloads.dagu(count, "true"))
            b.env["DAGU_HOME"] = str(b.folder / "dagu")
            b.pair(name, run(ours, "-j", str(j)), "dagu", [str(TOOLS / "dagu"), "start", dag],
                   rounds=1)


def tasks(b):
    for label, command in (THROUGH_SH, WITHOUT):
        independent(b, 1000, label, command)
    for label, command in (THROUGH_SH, WITHOUT):
        independent(b, 10000, label, command)


def scaling(b):
    """Cost a task at 10,000 against 1,000."""
    small = b.write("small.yaml", workloads.actant_group(1000, '"true;"'))
    large = b.write("large.yaml", workloads.actant_group(10000, '"true;"'))
    ratios, a, c = [], [], []
    for _ in range(1 if b.quick else 3):
        few = statistics.median(b.time(run(small, "-j", "4")) for _ in range(3)) / 1000
        many = b.time(run(large, "-j", "4")) / 10000
        a.append(many), c.append(few), ratios.append(many / few)
    b.row("a task of 10,000 against one of 1,000", "s", statistics.median(a), "actant, 1,000",
          statistics.median(c), statistics.median(ratios))


def chain(b):
    for label, command in (THROUGH_SH, WITHOUT):
        ours = b.write("chain.yaml", workloads.actant_chain(1000, f'"{command}"'))
        b.write("chain.ninja", workloads.ninja(1000, command, True))
        b.write("chain.mk", workloads.make(1000, command, True))
        bare = [tool("bare_loop"), "1000", "1"]
        bare += ["/bin/sh", "-c", command] if label == "sh" else [f"/bin/{command}"]
        name = f"chain of 1000, {label}"
        b.pair(name, run(ours), "ninja", ["ninja", "-f", "chain.ninja"])
        b.pair(name, run(ours), "make", ["make", "-s", "-f", "chain.mk", "all"])
        b.pair(name, run(ours), "bare loop", bare)


def history(b):
    count = 1000 if b.quick else 10000
    ours = b.write("history.yaml", workloads.actant_group(count, '"true;"'))
    b.pair(f"history on against off, {count} tasks", run(ours, "-j", "4"), "actant --no-history",
           run(ours, "-j", "4", "--no-history"), rounds=1 if b.quick else 3)


def validate(b):
    events = tool("yaml_events", "-lyaml")
    for count in (10000, 100000):
        path = b.write(f"steps-{count}.yaml", workloads.steps(count))
        b.pair(f"validate {count} nodes", [ACTANT, "validate", path], "libyaml events",
               [events, path], rounds=3 if b.quick else b.rounds)
        b.row(f"validate {count} nodes, peak memory", "MB", b.peak_kb([ACTANT, "validate", path]) / 1024,
              "aim", 300.0, None)


def loop(b):
    count = 1000000
    path = b.write("loop.yaml", workloads.COUNTER.format(count=count))
    b.fresh_db()
    seconds = statistics.median(b.time(run(path), b.fresh_db) for _ in range(1 if b.quick else 3))
    db = pathlib.Path(b.env["ACTANT_DB"])
    size = sum(f.stat().st_size for f in db.parent.glob(db.name + "*") if f.is_file()
               and "reserve" not in f.name)
    b.row("while over a value, 1,000,000 turns", "s", seconds, "aim", 5.0, seconds / 5.0)
    b.row("while over a value, database", "MB", size / 1e6, "aim", 5.0, None)
    b.row("while over a value, peak memory", "MB", b.peak_kb(run(path)) / 1024, "aim", 50.0, None)


BENCHES = {f.__name__: f for f in (hello, tasks, scaling, chain, history, validate, loop)}


def main():
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("name", nargs="?", choices=sorted(BENCHES))
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    for peer in ("ninja", "make", "parallel"):
        if not shutil.which(peer):
            sys.exit(f"bench: {peer} is missing; `./dev setup bench` gets the peers")
    bench = Bench(args.quick, 2 if args.quick else 5)
    print(f"{platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}",
          file=sys.stderr)
    try:
        for name, function in BENCHES.items():
            if args.name in (None, name):
                function(bench)
    finally:
        shutil.rmtree(bench.folder, ignore_errors=True)
    if args.json:
        print(json.dumps(bench.rows, indent=1))


if __name__ == "__main__":
    main()

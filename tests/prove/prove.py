#!/usr/bin/env python3
"""Runs the proofs: each harness against the product, then against its canaries, which it must catch.

A harness is a program or a script that takes `--seed N --cases N --jobs N`, prints one JSON object as the
last line of standard output, says on standard error what broke and how to repeat it, and exits 0 if the law
holds, 1 if it is broken, anything else if it could not tell. What must be zero stands in LOSSES; other numbers
are shown as they are. docs/proofs.md says what each proves.

To add one: a row in HARNESSES (tests/prove/CMakeLists.txt makes a quick test of every row).
"""

import argparse
import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
LOSSES = ("lost", "corrupt", "repeated", "stuck", "crashed", "wrong", "unnamed")


@dataclasses.dataclass(frozen=True)
class Canary:
    """A build with one rule broken: the same harness, started with it, must report a loss."""

    name: str
    command: tuple
    cases: int


@dataclasses.dataclass(frozen=True)
class Harness:
    """command: words, in which {bin} is where the build put the harnesses, {actant} the program."""

    name: str
    proves: str
    command: tuple
    quick: int
    full: int
    canaries: tuple = ()


FAIL = ("{python}", "{here}/fail/fail.py", "--failer", "{bin}/fail/failer.so", "--killer", "{bin}/kill/killer.so")

HARNESSES = (
    Harness(
        "torn",
        "power cuts: unsynced sectors of database and WAL dropped, torn, reordered (faults 3, 4, 77)",
        ("{bin}/prove_torn",),
        quick=4000,
        full=50000,
        canaries=(
            Canary("power commits at NORMAL", ("{bin}/prove_torn_canary_power_at_normal",), 2000),
            Canary("a WAL that starts over is not synced",
                   ("{bin}/prove_torn_canary_wal_reset_unsynced", "--narrow", "1"), 6000),
            Canary("a new database is not synced", ("{bin}/prove_torn_canary_base_unsynced",), 2000),
        ),
    ),
    Harness(
        "storm",
        "many processes at one database, killed with the lock in hand; second owners (faults 11, 12)",
        ("{bin}/prove_storm",),
        quick=5000,
        full=50000,
        canaries=(
            Canary("the lock is not taken", ("{bin}/prove_storm_canary_no_flock",), 2000),
            Canary("a run is anybody's", ("{bin}/prove_storm_canary_any_owner",), 2000),
        ),
    ),
    Harness(
        "sim",
        "the engine over the real store, power cuts between any two writes, to the run's end (faults 1, 3)",
        ("{bin}/prove_sim",),
        quick=300,
        full=3000,
        canaries=(Canary("power commits at NORMAL", ("{bin}/prove_sim_canary_power_at_normal",), 100),),
    ),
    Harness(
        "fail",
        "the Nth allocation, write, open, fsync, spawn, pipe … fails, once or from then on (faults 5, 6, 7, 14, 16, 17)",
        FAIL,
        quick=160,
        full=2000,
        canaries=(
            Canary("a spawn that says EAGAIN is the step's failure",
                   FAIL + ("--program", "{bin}/fail/prove_fail_canary", "--only", "run, spawn"), 1000000),
        ),
    ),
    Harness(
        "kill",
        "kill -9 at every call that leaves a mark, also in recovery and several times (faults 1, 2, 31)",
        ("{python}", "{here}/kill/kill.py", "--killer", "{bin}/kill/killer.so"),
        quick=300,
        full=2000,
        canaries=(
            Canary("a batch is acknowledged before it is written",
                   ("{python}", "{here}/kill/kill.py", "--killer", "{bin}/kill/killer.so",
                    "--program", "{bin}/kill/prove_kill_canary"), 60),
        ),
    ),
)


class Prover:
    def __init__(self, options):
        self.options = options
        self.words = {
            "bin": str(pathlib.Path(options.build) / "tests" / "prove"),
            "actant": os.environ.get("ACTANT", str(pathlib.Path(options.build) / "actant")),
            "here": str(HERE),
            "python": sys.executable,
        }
        self.reports = []

    def say(self, text):
        print(text, file=sys.stderr if self.options.json else sys.stdout, flush=True)

    def start(self, command, cases):
        """(report, exit code, seconds, what it said)"""
        words = [word.format(**self.words) for word in command]
        words += ["--seed", str(self.options.seed), "--cases", str(cases), "--jobs", str(self.options.jobs)]
        began = time.monotonic()
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=ROOT,
                              env={**os.environ, "ACTANT": self.words["actant"]})
        lines = done.stdout.strip().splitlines()
        try:
            report = json.loads(lines[-1]) if lines else {}
        except ValueError:
            report = {}
        return report, done.returncode, time.monotonic() - began, done.stderr

    def prove(self, harness):
        cases = harness.quick if self.options.quick else harness.full
        report, code, seconds, said = self.start(harness.command, cases)
        losses = sum(report.get(name, 0) for name in LOSSES)
        kept = code == 0 and losses == 0 and report.get("cases", 0) > 0
        self.show(harness.name, report, seconds, "" if kept else "BROKEN" if code == 1 else f"exit {code}")
        if not kept:
            sys.stderr.write(said[-8000:])
        canaries = [self.canary(harness, canary) for canary in harness.canaries]
        self.reports.append({
            "harness": harness.name, "proves": harness.proves, "kept": kept, "seconds": round(seconds, 1),
            **report, "canaries": canaries})
        return kept and all(c["caught"] for c in canaries)

    def canary(self, harness, canary):
        report, code, seconds, said = self.start(canary.command, canary.cases)
        losses = {name: report[name] for name in LOSSES if report.get(name)}
        caught = code == 1 and bool(losses)
        shown = " ".join(f"{name} {count}" for name, count in losses.items())
        self.say(f"  canary: {canary.name}: " + (f"caught ({shown} of {report['cases']} cases)" if caught
                                                else f"NOT CAUGHT (exit {code})"))
        if not caught:
            sys.stderr.write(said[-4000:])
        return {"name": canary.name, "caught": caught, "cases": report.get("cases", 0),
                "seconds": round(seconds, 1), **losses}

    def show(self, name, report, seconds, mark):
        numbers = {k: v for k, v in report.items() if isinstance(v, int) and k not in ("cases", "seed")}
        text = "  ".join(f"{key} {value}" for key, value in numbers.items())
        self.say(f"{name}: {report.get('cases', 0)} cases  {text}  ({seconds:.1f} s) {mark}".rstrip())

    def run(self, harnesses):
        self.say(f"seed {self.options.seed}")
        kept = [self.prove(harness) for harness in harnesses]
        canaries = [c for r in self.reports for c in r["canaries"]]
        total = {
            "seed": self.options.seed,
            "proofs": len(kept),
            "cases": sum(r.get("cases", 0) for r in self.reports),
            "losses": sum(r.get(name, 0) for r in self.reports for name in LOSSES),
            "canaries": len(canaries),
            "caught": sum(c["caught"] for c in canaries),
            "kept": all(kept),
        }
        self.say("{proofs} proofs, {cases} cases, {losses} losses, {caught} of {canaries} canaries caught"
                 .format(**total))
        if self.options.json:
            print(json.dumps({**total, "harnesses": self.reports}))
        return 0 if all(kept) else 1


def main():
    parser = argparse.ArgumentParser(prog="./dev prove")
    parser.add_argument("names", nargs="*", metavar="HARNESS")
    parser.add_argument("--quick", action="store_true", help="as in CI: fewer cases, seed 1")
    parser.add_argument("--seed", type=int, help="repeat a run; else another one every time")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    parser.add_argument("--build", default=str(ROOT / "build" / "release"))
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args()
    if options.seed is None:
        options.seed = 1 if options.quick else int.from_bytes(os.urandom(4), "little")
    known = {harness.name: harness for harness in HARNESSES}
    unknown = [name for name in options.names if name not in known]
    if unknown:
        parser.error(f"no harness {', '.join(unknown)}; there are: {', '.join(known)}")
    chosen = [known[name] for name in options.names] or list(HARNESSES)
    sys.exit(Prover(options).run(chosen))


if __name__ == "__main__":
    main()

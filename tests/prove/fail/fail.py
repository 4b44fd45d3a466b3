#!/usr/bin/env python3
"""Makes the Nth call of a kind fail, once or from then on, and looks at what the program makes of it (I1, I2, I3,
I7; faults 5, 6, 7, 14, 16, 17).

Each case: a command of the release build (a run, a run at level power, the resumption of one that was killed, a
look at the history, its removal, a cancellation, a fork, a rerun, a run sent to a file and fetched from one, a run in
the background: who sends it there, its keeper, its coordinator) with one call, or every call from one on, failing:
allocation, write, open, fsync, truncation, spawn, pipe, mapping, thread, name. What must hold: it ends, by no signal,
with an exit code of the manual's; what did not succeed has said on standard error, or in the run's own document, what
failed; the history verifies; and once nothing fails any more, `resume` brings a run that had not ended to the
undisturbed end, and nothing that ended runs twice.

Reports {"cases", "fired", "failed_cleanly", "lost", "repeated", "wrong", "stuck", "crashed", "unnamed"}; see prove.py.
"""

import argparse
import collections
import concurrent.futures
import errno
import json
import os
import pathlib
import queue
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path[:0] = [str(ROOT / "tests" / "checker"), str(HERE.parent / "kill")]

import check  # noqa: E402
from place import MARK, Broken, Place, outline  # noqa: E402
from stories import end_living, living  # noqa: E402

FLOW = f"""
chain:
  - {{id: a, run: '{MARK}; echo one'}}
  - group:
      - {{run: '{MARK}; echo x'}}
      - {{run: '{MARK}; exit 3', retry: {{max: 1, delay: 0s}}, on_error: continue}}
      - {{id: spooled, output: text, run: '{MARK}; head -c 5000 /dev/zero | tr "\\0" s'}}
      - {{sleep: 5ms}}
    parallel: 2
  - {{id: filed, output: text, run: '{MARK}; head -c 200000 /dev/zero | tr "\\0" f'}}
  - {{run: '{MARK}; wc -c', stdin: '${{{{ nodes.filed.result }}}}'}}
  - {{id: z, run: '{MARK}; echo ${{{{ nodes.a.result }}}}'}}
"""

# What a call of the class says: once, then from then on.
ERRORS = {
    "alloc": ("ENOMEM",),
    "write": ("ENOSPC", "EIO"),
    "open": ("EMFILE", "ENFILE", "EACCES"),
    "sync": ("EIO",),
    "size": ("ENOSPC", "EIO"),
    "spawn": ("EAGAIN", "ENOMEM"),
    "pipe": ("EMFILE", "ENFILE"),
    "map": ("ENOMEM",),
    "thread": ("EAGAIN",),
    "name": ("ENOSPC", "EIO"),
}
# Of each command: what it is given, whether it needs a run that was killed, and one that ended.
COMMANDS = {
    "run": (("run", "flow.yaml", "--quiet"), None),
    "power": (("run", "flow.yaml", "--quiet", "--durability", "power"), None),
    "resume": (("resume", "last", "--quiet"), "killed"),
    "show": (("history", "show", "last", "--json"), "ended"),
    "gc": (("history", "gc", "--keep", "0"), "ended"),
    "cancel": (("cancel", "last"), "killed"),
    "fork": (("fork", "last", "--from", "z", "--quiet"), "ended"),
    "rerun": (("rerun", "last", "--quiet"), "ended"),
    "export": (("export", "last", "-o", "out", "--force"), "ended"),
    "import": (("import", "sent"), "sent"),
    "detach": (("run", "flow.yaml", "--detach"), None),
    "keeper": (("run", "flow.yaml", "--detach"), None),
    "coordinator": (("run", "flow.yaml", "--detach"), None),
}
DETACHED = ("detach", "keeper", "coordinator")
SKIPPED = {("sync", "run"), ("sync", "resume"), ("sync", "show"), ("sync", "gc"), ("sync", "cancel"),
           ("sync", "fork"), ("sync", "rerun"), ("sync", "detach"), ("sync", "keeper"), ("sync", "coordinator")}
EXITS = {0, 1, 2, 3, 4}
# A sticky failure of these is a machine on which nothing can be told any more; waiting is what they are for.
WAITS = {("spawn", "EAGAIN"), ("spawn", "ENOMEM"), ("pipe", "EMFILE"), ("pipe", "ENFILE"), ("open", "EMFILE"),
         ("open", "ENFILE")}
PATIENCE_S = 240  # a bound for what hangs
WAIT_S = 3        # for how long one that waits, as it should, is watched once the call has failed


class Stage:
    """What the commands begin with, made once for each job: a folder with a run that was killed, one with a run
    that ended. A run's tasks work where its file was, so each case has it all in the same place again."""

    def __init__(self, scratch, killer):
        self.scratch = pathlib.Path(tempfile.mkdtemp(dir=scratch))
        self.here = self.scratch / "here"
        ended = self.place(None)
        done = ended.actant("run", "flow.yaml", "--quiet")
        if done.returncode != 0:
            raise SystemExit(f"the workflow does not run: {done.stderr.decode()}")
        self.expected = outline(ended.show())
        self.here.rename(self.scratch / "ended")
        sent = self.place("ended")
        sent.well("export", "last", "-o", "sent")
        for path in self.here.glob("actant.db*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        self.here.rename(self.scratch / "sent")
        killed = self.place(None)
        done = killed.actant("run", "flow.yaml", "--quiet", env={"LD_PRELOAD": str(killer), "KILL_PLAN": "run=36b"})
        if done.returncode != -9 or not killed.runs():
            raise SystemExit("the run to be resumed was not killed")
        self.here.rename(self.scratch / "killed")

    def place(self, wants):
        place = Place(FLOW, self.scratch)
        shutil.rmtree(self.here, ignore_errors=True)
        place.path.rename(self.here)
        place.path, place.db = self.here, self.here / "actant.db"
        place.env.update(ACTANT_DB=str(place.db), HOME=str(self.here), TMPDIR=str(self.here))
        if wants:
            shutil.rmtree(self.here)
            shutil.copytree(self.scratch / wants, self.here, symlinks=True)
            mark = self.here / "actant.db.new"  # the copy of a second name is another file
            if mark.exists():
                mark.unlink()
                os.link(place.db, mark)
        return place


def patience(place, waits):
    """Turns of a loop, until what is watched hangs, or has waited for long enough since its call failed."""
    end = time.monotonic() + PATIENCE_S
    fired = None
    while time.monotonic() < end:
        if waits and fired is None and (place.path / "fired").exists():
            fired = time.monotonic()
        if fired is not None and time.monotonic() - fired > WAIT_S:
            return
        yield


class Case:
    def __init__(self, number, command, kind, error, at, sticky):
        self.number, self.command, self.kind = number, command, kind
        self.error, self.at, self.sticky = error, at, sticky
        self.fired = False  # the call was made

    def __str__(self):
        return (f"case {self.number}: {self.command}, {self.kind} call {self.at}"
                f"{' and all after it' if self.sticky else ''}: {self.error}")

    def env(self, place, failer):
        role = {"FAIL_ROLE": self.command} if self.command in ("keeper", "coordinator") else {}
        return {**role, "LD_PRELOAD": str(failer), "FAIL_CLASS": self.kind, "FAIL_AT": str(self.at),
                "FAIL_STICKY": str(int(self.sticky)), "FAIL_ERRNO": str(getattr(errno, self.error)),
                "FAIL_MARK": str(place.path / "fired")}

    def start(self, place, failer):
        """(exit code or None if it waits, what it said)"""
        args = COMMANDS[self.command][0]
        process = subprocess.Popen([os.environ["ACTANT"], *args], cwd=place.path, stdin=subprocess.DEVNULL,
                                   env={**place.env, **self.env(place, failer)}, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        for _ in patience(place, self.waits()):
            try:
                out, err = process.communicate(timeout=0.05)
                break
            except subprocess.TimeoutExpired:
                continue
        else:
            process.kill()
            out, err = process.communicate()
            if not self.waits() or not (place.path / "fired").exists():
                raise Broken("stuck", "it does not end")
            return None, out.decode(errors="replace") + err.decode(errors="replace")
        if self.command in DETACHED:
            self.await_end(place)
        return process.returncode, out.decode(errors="replace") + err.decode(errors="replace")

    def waits(self):
        """What fails it may wait for."""
        return self.sticky and (self.kind, self.error) in WAITS

    def await_end(self, place):
        """Of what the command left in the background."""
        for _ in patience(place, self.waits()):
            if not living(place):
                return
            time.sleep(0.01)
        waited = self.waits() and (place.path / "fired").exists()
        while living(place):
            end_living(place)
            time.sleep(0.01)
        if not waited:
            raise Broken("stuck", "the run's processes do not end")

    def play(self, stage, failer):
        """True: the call was made."""
        place = stage.place(COMMANDS[self.command][1])
        try:
            before = place.effects()
            code, said = self.start(place, failer)
            fired = self.fired = (place.path / "fired").exists()
            aborted = code == -signal.SIGABRT or "killed by SIGABRT" in said
            if aborted and self.kind == "pipe" and place.effects() == before:
                return fired, True  # libuv's way when one of its first pipes fails: they are tried just before
            if code is not None and (code < 0 or code not in EXITS):
                raise Broken("crashed", f"exit {code}: {said[-500:]}")
            if code not in (0, None):
                self.judge_words(place, code, said)
            if code == 0 and not fired and self.command in DETACHED and place.show()["status"] != "succeeded":
                raise Broken("wrong", "nothing failed, and the run did not succeed")
            if not fired and code not in (0, 4):
                raise Broken("wrong", f"nothing failed and it exits {code}: {said[-500:]}")
            self.judge_after(place, stage, code)
            return fired, code not in (0, None)
        finally:
            place.remove()

    def judge_words(self, place, code, said):
        words = said
        if code == 1 and place.db.exists():
            words += place.actant("history", "show", "last", "--json").stdout.decode(errors="replace")
        names = (os.strerror(getattr(errno, self.error)), "memory", "no space", "disk", "cannot", "may not", "failed to",
                 "file table overflow", "too many open files")
        if not any(name.lower() in words.lower() for name in names):
            raise Broken("unnamed", f"exit {code}, and it said: {said[-500:] or 'nothing'}")

    def judge_after(self, place, stage, code):
        """Nothing fails any more."""
        if self.command in ("export", "import"):
            return self.judge_file(place, stage, code)
        runs = place.runs()
        if not runs:
            if self.command in ("resume", "cancel"):
                raise Broken("lost", "the run is gone")
            if self.command in ("run", "power", *DETACHED) and (place.effects() or code == 0):
                raise Broken("lost", f"no run, but {place.effects()} was done")
            return
        for run in runs:
            self.judge_chain(place, run)
        if self.command in ("fork", "rerun"):
            if len(runs) == 1 and code == 0:
                raise Broken("lost", "exit 0, but there is no new run")
            self.judge_end(place.show(runs[-1]), stage)  # what it came from is as it was
        before = place.show()
        done = place.actant("resume", runs[0], "--quarantined", "--quiet")
        after = place.show()
        if done.returncode not in (0, 1, 4):
            raise Broken("wrong", f"resume exits {done.returncode}: {done.stderr.decode()[-500:]}")
        self.judge_log(place)
        if before["status"] in ("succeeded", "failed", "cancelled") and before["status"] != after["status"]:
            raise Broken("wrong", f"it was {before['status']} and is {after['status']}")
        if code == 0 and self.command in ("run", "power", "resume", "fork", "rerun") and before["status"] != "succeeded":
            raise Broken("wrong", f"exit 0, but the run is {before['status']}")
        self.judge_end(after, stage)

    def judge_file(self, place, stage, code):
        """The file is whole or not there, the run too; a second try succeeds."""
        if self.command == "export":
            if code == 0 or (place.path / "out").exists():
                self.judge_sent(place, stage, place.path / "first.db")
            place.well("export", "last", "-o", "out", "--force")
            self.judge_sent(place, stage, place.path / "second.db")
        else:
            runs = place.runs()
            if code == 0 and not runs:
                raise Broken("lost", "exit 0, but there is no run")
            place.well("import", "sent")
        runs = place.runs()
        if len(runs) != 1:
            raise Broken("lost", f"the runs are {runs}")
        self.judge_chain(place, runs[0])
        self.judge_log(place)
        self.judge_end(place.show(), stage)

    def judge_sent(self, place, stage, db):
        place.well("import", "out", db=db)
        self.judge_chain(place, "last", db)
        self.judge_end(place.show(db=db), stage)

    def judge_chain(self, place, run, db=None):
        done = place.actant("history", "verify", run, db=db)
        if done.returncode != 0:
            raise Broken("corrupt", f"history verify exits {done.returncode}: {done.stderr.decode()[-400:]}")

    def judge_log(self, place):
        found, _, _ = check.judge(place.db, processes=True)
        if found:
            raise Broken("lost" if any(one[0] == "I1" for one in found) else "repeated", "; ".join(map(str, found)))
        twice = [e for e, n in collections.Counter(place.effects()).items() if n > 1]
        if twice:
            raise Broken("repeated", f"{twice} was started twice under one number")

    def judge_end(self, doc, stage):
        """As undisturbed; or a step failed and names what failed it, which a full disk may make it do."""
        if self.command == "cancel" and doc["status"] in ("cancelled", "succeeded"):
            return
        if doc["status"] == "failed":
            if self.kind in ("write", "size", "open", "name", "pipe", "map", "alloc"):
                return
            raise Broken("wrong", f"the run failed: {json.dumps(doc)[:600]}")
        if outline(doc) != stage.expected:
            raise Broken("wrong", f"it ended as {outline(doc)}")


def play(case, stages, failer):
    stage = stages.get()
    try:
        return None, *case.play(stage, failer)
    except Broken as broken:
        return (broken.loss, f"{case}\n  {broken}"), case.fired, False
    finally:
        stages.put(stage)


def count(stage, failer, command, kind):
    place = stage.place(COMMANDS[command][1])
    case = Case(0, command, kind, "EIO", 0, False)
    env = {**place.env, **case.env(place, failer), "FAIL_COUNT": str(place.path / "count")}
    done = subprocess.run([os.environ["ACTANT"], *COMMANDS[command][0]], cwd=place.path, env=env,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE_S)
    case.await_end(place)
    file = place.path / "count"
    if done.returncode not in (0, 4) or not file.exists():
        raise SystemExit(f"{command} fails by itself: {done.returncode} {done.stderr.decode()}")
    calls = int(file.read_text())
    place.remove()
    return calls


def combinations(stage, failer, only):
    """(command, kind, number of calls) for what is to be done."""
    for kind in ERRORS:
        for command in COMMANDS:
            if (kind, command) not in SKIPPED and (not only or re.search(only, f"{command}, {kind} call 1")):
                calls = count(stage, failer, command, kind)
                if calls:
                    yield command, kind, calls


def plan(stage, failer, cases, seed, only):
    """(points, cases). The seed chooses command, kind, error and how far in the case is; how many calls there are
    differs by some from run to run, so that the number may, too. All places if there is room for them, and one past
    the last, which passes untouched."""
    chosen = random.Random(seed)
    rows = [(command, kind, error, calls, sticky) for command, kind, calls in combinations(stage, failer, only)
            for sticky in (False, True) for error in ERRORS[kind]]
    total = sum(row[3] + 1 for row in rows)
    if cases >= total:
        picked = [(command, kind, error, at, sticky) for command, kind, error, calls, sticky in rows
                  for at in range(1, calls + 2)]
        return total, [Case(number, *what) for number, what in enumerate(picked)]
    # Allocations are most of the places and a quarter of the cases. Weights that do not change by a few calls.
    weights = [(1 << (calls + calls // 2).bit_length()) * (1 if kind != "alloc" else 0.015)
               for _, kind, _, calls, _ in rows]
    picked = []
    for number in range(cases):
        command, kind, error, calls, sticky = chosen.choices(rows, weights)[0]
        picked.append(Case(number, command, kind, error, 1 + int(chosen.random() * (calls + 1)), sticky))
    return total, picked


def rise(stages, failer, only, jobs):
    """N from 1 until the case passes untouched, for each command, kind, error, once and from then on. Yields for each
    (what, N, what play gives for each)."""
    stage = stages.get()
    rows = [(command, kind, error, sticky) for command, kind, _ in combinations(stage, failer, only)
            for sticky in (False, True) for error in ERRORS[kind]]
    stages.put(stage)

    def climb(row):
        command, kind, error, sticky = row
        ends, fired = [], True
        while fired:
            case = Case(len(ends) + 1, command, kind, error, len(ends) + 1, sticky)
            ends.append(play(case, stages, failer))
            fired = ends[-1][1]
        return row, ends
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(climb, rows)


def samples(stages, failer, options, report):
    stage = stages.get()
    report["points"], cases = plan(stage, failer, options.cases, options.seed, options.only)
    stages.put(stage)
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        yield pool.map(lambda case: play(case, stages, failer), cases)


def climbs(stages, failer, options):
    for (command, kind, error, sticky), ends in rise(stages, failer, options.only, options.jobs):
        print(f"{command}, {kind}, {error}{' from then on' if sticky else ''}: untouched from call {len(ends)} on",
              file=sys.stderr, flush=True)
        yield ends


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--failer", required=True, type=pathlib.Path)
    parser.add_argument("--killer", required=True, type=pathlib.Path)
    parser.add_argument("--program", help="instead of $ACTANT")
    parser.add_argument("--only", help="COMMAND, KIND: those alone (a regular expression)")
    parser.add_argument("--rise", action="store_true", help="each place, N rising until the case passes untouched")
    options = parser.parse_args()
    os.environ["ACTANT"] = os.path.abspath(options.program or os.environ["ACTANT"])
    failer = options.failer.resolve()
    scratch = tempfile.mkdtemp(prefix="prove-fail-")
    report = collections.Counter(fired=0, failed_cleanly=0, lost=0, corrupt=0, repeated=0, wrong=0, stuck=0, crashed=0,
                                 unnamed=0)
    losses = ("lost", "corrupt", "repeated", "wrong", "stuck", "crashed", "unnamed")
    try:
        stages = queue.SimpleQueue()
        for _ in range(options.jobs):
            stage = Stage(scratch, options.killer.resolve())
            stages.put(stage)
        done = 0
        for ends in climbs(stages, failer, options) if options.rise else samples(stages, failer, options, report):
            for broken, fired, failed in ends:
                done += 1
                report["fired"] += fired
                report["failed_cleanly"] += failed
                if broken:
                    report[broken[0]] += 1
                    print(broken[1], file=sys.stderr, flush=True)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    print(json.dumps({"cases": done, "seed": options.seed, **report}))
    return 1 if any(report[name] for name in losses) else 0


if __name__ == "__main__":
    sys.exit(main())

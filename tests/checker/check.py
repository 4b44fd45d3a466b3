#!/usr/bin/env python3
"""Judges every run of actant databases by the invariants I1 to I7, from what lies on the disk alone:

    check.py [--acknowledged FILE] [--processes] [--json] DATABASE…

I1 what was acknowledged is there and whole     I2 one end each, nothing ended begins again
I3 no success without a proven end              I4 nothing old is accepted
I5 one order; verdicts follow from ends         I6 what has ended has no process
I7 no run stands in another's way

--acknowledged: a JSON object, run → the last sequence number that somebody was told is kept.
--processes: looks for living processes of runs that have ended (I6; Linux).
Exits with 0, with 1 if something is wrong, with 2 if it cannot tell. Shares no code with actant."""

import argparse
import json
import pathlib
import sqlite3
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from log import Log  # noqa: E402
from rules import ENDS, History, judge_origins, judge_tables  # noqa: E402


def judge_run(log, run, histories):
    for invariant, seq, words in run.damage:
        yield invariant, run.id, seq, words
    if run.plan is not None:
        histories.append(History(log, run))
        for invariant, seq, words in histories[-1].judge():
            yield invariant, run.id, seq, words


def judge_acknowledged(runs, acknowledged):
    have = {run.id: len(run.events) for run in runs}
    for run, seq in acknowledged.items():
        if have.get(run, 0) < seq:
            yield "I1", run, seq, f"acknowledged, but the log ends at {have.get(run, 0)}"


SIGKILL_BIT, EXITING = 1 << 8, 0x4  # of a mask of signals; PF_EXITING


def is_dying(process):
    """It was killed and runs no line of its program any more; the kernel has not come to taking it away."""
    try:
        state, flags = (process / "stat").read_text().rsplit(")", 1)[1].split()[0:7:6]
        masks = [line.split()[1] for line in (process / "status").read_text().splitlines()
                 if line.startswith(("SigPnd:", "ShdPnd:"))]
    except (OSError, IndexError):
        return True
    return state in "ZX" or bool(int(flags) & EXITING) or any(int(mask, 16) & SIGKILL_BIT for mask in masks)


def judge_processes(runs):
    ended = {run.id for run in runs if run.status in ENDS}
    for environ in pathlib.Path("/proc").glob("[0-9]*/environ"):
        try:
            words = environ.read_bytes().split(b"\0")
        except OSError:
            continue
        for word in words:
            name, _, text = word.partition(b"=")
            if name == b"ACTANT_RUN_ID" and text.decode(errors="replace") in ended and not is_dying(environ.parent):
                yield "I6", text.decode(), 0, f"process {environ.parent.name} is still there"


def judge(path, acknowledged=None, processes=False):
    """Everything that is wrong with a database, and how many runs and events it holds."""
    log = Log(path)
    try:
        found = [("I1", "", 0, line) for line in log.integrity()]
        runs = list(log.runs())
        histories = []
        for run in runs:
            found.extend(judge_run(log, run, histories))
        found.extend(judge_origins(histories))
        found.extend(judge_tables(log, runs))
        found.extend(judge_acknowledged(runs, acknowledged or {}))
        if processes:
            found.extend(judge_processes(runs))
        return found, len(runs), sum(len(run.events) for run in runs)
    finally:
        log.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--acknowledged", type=pathlib.Path)
    parser.add_argument("--processes", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("databases", nargs="+", type=pathlib.Path)
    args = parser.parse_args()
    acknowledged = json.loads(args.acknowledged.read_text()) if args.acknowledged else {}
    found, runs, events = [], 0, 0
    for path in args.databases:
        try:
            wrong, more_runs, more_events = judge(path, acknowledged, args.processes)
        except (OSError, sqlite3.Error) as why:
            print(f"{path}: {why}", file=sys.stderr)
            return 2
        found += [(str(path), *one) for one in wrong]
        runs, events = runs + more_runs, events + more_events
    if args.json:
        names = ("database", "invariant", "run", "seq", "what")
        print(json.dumps({"runs": runs, "events": events,
                          "violations": [dict(zip(names, one)) for one in found]}))
    else:
        for path, invariant, run, seq, words in found:
            print(f"{path}: {invariant}: run {run or '-'}, event {seq}: {words}")
        print(f"{runs} runs, {events} events, {len(found)} violations", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

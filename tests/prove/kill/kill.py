#!/usr/bin/env python3
"""Kills the program at numbered points and lets it go on (I1, I2, I3, I6; faults 1, 2, 31).

Each case is a story (stories.py): a run of a workflow (with artifacts, and what a cache keeps and
gives), a fork, a retry, an export, an import, a removal, a run in
the background with its coordinator, its keeper or both. The process is killed with SIGKILL before, after or in the
middle of its Nth call that leaves a mark (a write to database or log, a sync, a link, a spawn, a letter …), then
a person goes on, in every second case killed again at a point of the recovery, some of them several times; the
last is left alone. What must hold then: the same end, nodes and results as undisturbed; every start of a command is
one that the log had dispatched before; none starts twice under one number; what had succeeded in the log never
starts again; what must not run twice has not; the independent checker finds nothing; no process is left; a file or
a run that is sent is whole or not there; of what is removed nothing stays.

Reports {"cases", "kills", "points", "lost", "repeated", "wrong", "stuck", "crashed"}; see prove.py.
"""

import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import random
import shutil
import signal
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from place import Broken, Place  # noqa: E402
from stories import STORIES  # noqa: E402

RECOVERIES = 3  # kills in one case after the first, at most


class Told:
    """A story that was played undisturbed: what it comes to, and how many marks each of its processes leaves."""

    def __init__(self, name, scratch, killer):
        self.name, self.story, self.killer = name, STORIES[name], killer
        place = Place(self.story.flow, scratch)
        counted = place.path / "count"
        self.story.prepare(place)
        args = self.story.start(place)
        roles = self.story.role_of(args)
        self.roles = roles if isinstance(roles, tuple) else (roles,)
        done = place.actant(*args, env={
            "LD_PRELOAD": str(killer), "KILL_PLAN": " ".join(f"{role}=0" for role in self.roles),
            "KILL_COUNT": str(counted)})
        self.story.end(place)
        if done.returncode not in (0, 1):
            raise SystemExit(f"{name} does not run: {done.stderr.decode()}")
        self.calls = {role: int((place.path / f"count.{role}").read_text()) for role in self.roles}
        self.expected = {"outline": self.story.outline(place), "effects": {node for _, _, node in place.effects()}}
        place.remove()

    def points(self):
        """Of the process whose calls are gone through; another one dies somewhere, too."""
        return self.calls[self.roles[0]]


class Case:
    """One kill, or several, and what came of it."""

    def __init__(self, number, seed, told, at):
        self.number, self.told, self.at = number, told, at
        self.random = random.Random(f"{seed}/{number}")
        self.kills = []

    def play(self, scratch):
        story = self.told.story
        place = Place(story.flow, scratch)
        try:
            story.prepare(place)
            at = [self.at, *(self.random.randint(1, self.told.calls[role]) for role in self.told.roles[1:])]
            self._kill(place, story.start(place), self.told.roles, at)
            story.after_kill(place)
            self._recover(place, story)
            story.judge(place, self.told.expected)
        finally:
            if hasattr(story, "leave"):
                story.leave(place)
            place.remove()

    def _kill(self, place, args, roles, at):
        """True: somebody died."""
        mark = place.path / f"mark{len(self.kills)}"
        plan = [f"{role}={n}{self.random.choice('bac')}" for role, n in zip(roles, at)]
        done = place.actant(*args, env={"LD_PRELOAD": str(self.told.killer), "KILL_PLAN": " ".join(plan),
                                        "KILL_MARK": str(mark)})
        self.told.story.end(place)
        died = list(place.path.glob(f"{mark.name}.*"))
        for one in died:
            self.kills.append(f"{' '.join(plan)} ({one.name.partition('.')[2]} at {one.read_text().strip()})")
        if done.returncode not in (0, 1, -signal.SIGKILL) and not died:
            raise Broken("crashed", f"exit {done.returncode}: {done.stderr.decode(errors='replace')[-600:]}")
        return bool(died)

    def _recover(self, place, story):
        again = self.random.randrange(RECOVERIES + 1) if self.number % 2 else 0
        for _ in range(again):
            args = story.next(place)
            if args is None:
                return
            role = story.role_of(args)
            roles = role if isinstance(role, tuple) else (role,)
            if not self._kill(place, args, roles, [self.random.randint(1, max(self.told.points() // 2, 8))] * len(roles)):
                break
            story.after_kill(place)
        args = story.next(place)
        if args is not None:
            place.well(*args, codes=(0, 1))
            story.end(place)


def play(case, scratch):
    try:
        case.play(scratch)
        return None, len(case.kills)
    except Broken as broken:
        words = f"case {case.number} ({case.told.name}, killed: {', '.join(case.kills)}): {broken}"
        return (broken.loss, words), len(case.kills)


def points(stories, cases, seed):
    """(story, call): every point of every story as often as there is room for all; the rest is the same number of
    each story, spread evenly over it and elsewhere with each seed."""
    every = [(told, at) for told in stories for at in range(1, told.points() + 1)]
    planned = every * (cases // len(every))
    rest = cases - len(planned)
    shift = random.Random(seed).random()
    for place, told in enumerate(stories):
        share = rest // len(stories) + (place < rest % len(stories))
        planned += [(told, 1 + int((i + shift) * told.points() / share)) for i in range(share)]
    return planned


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--killer", required=True, type=pathlib.Path)
    parser.add_argument("--program", help="instead of $ACTANT")
    parser.add_argument("--story", action="append", choices=STORIES, help="those alone")
    parser.add_argument("--only", type=int, help="this case again")
    options = parser.parse_args()
    os.environ["ACTANT"] = os.path.abspath(options.program or os.environ["ACTANT"])
    scratch = tempfile.mkdtemp(prefix="prove-kill-")
    report = collections.Counter(kills=0, lost=0, corrupt=0, repeated=0, wrong=0, stuck=0, crashed=0)
    try:
        told = [Told(name, scratch, options.killer.resolve()) for name in options.story or STORIES]
        planned = [Case(number, options.seed, *point)
                   for number, point in enumerate(points(told, options.cases, options.seed))
                   if options.only is None or options.only == number]
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            for broken, kills in pool.map(lambda case: play(case, scratch), planned):
                report["kills"] += kills
                if broken:
                    report[broken[0]] += 1
                    print(broken[1], file=sys.stderr, flush=True)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    print(json.dumps({"cases": len(planned), "points": sum(one.points() for one in told), "seed": options.seed,
                      **report}))
    return 1 if any(report[name] for name in ("lost", "corrupt", "repeated", "wrong", "stuck", "crashed")) else 0


if __name__ == "__main__":
    sys.exit(main())

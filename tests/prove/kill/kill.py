#!/usr/bin/env python3
"""Kills the program at numbered points and lets it go on (I1, I2, I3, I6; faults 1, 2, 31).

Each case: a workflow is started, the program is killed with SIGKILL before, after or in the middle of its Nth
call that leaves a mark (a write to database or log, a sync, a link, a spawn …), then resumed, in every second
case killed again at a point of its recovery, some of them several times; the last resume is left alone. What must
hold then: the same end, nodes and results as undisturbed; every start of a command is one that the log had
dispatched before; none starts twice under one number; what had succeeded in the log never starts again; what must
not run twice has not; the independent checker finds nothing; no process is left.

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
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(ROOT / "tests" / "checker"))

import check  # noqa: E402
import log as history  # noqa: E402

PATIENCE_S = 300  # a bound for what hangs, not a measure
RECOVERIES = 3    # kills in one case after the first, at most
MARK = 'echo "$ACTANT_NODE $ACTANT_ATTEMPT" >> effects'

# What a command did to the world is a line in `effects`: its node and attempt.
FLOWS = {
    "boxes": f"""
chain:
  - {{id: a, run: '{MARK}; echo one'}}
  - group:
      - {{run: '{MARK}; echo x'}}
      - {{run: '{MARK}; exit 3', retry: {{max: 1, delay: 0s}}, on_error: continue}}
      - for: [1, 2, 3]
        do: {{run: '{MARK}; echo ${{{{ item }}}}'}}
    parallel: 2
  - try: {{run: '{MARK}; false'}}
    catch: {{run: '{MARK}; echo caught'}}
    finally: {{run: '{MARK}; echo finally'}}
  - {{until: '${{{{ loop.index >= 1 }}}}', do: {{run: '{MARK}; echo turn'}}}}
  - {{id: z, run: '{MARK}; echo ${{{{ nodes.a.result }}}}'}}
""",
    "outputs": f"""
chain:
  - {{id: short, run: '{MARK}; echo "n=1" >> "$ACTANT_OUTPUT"'}}
  - {{id: spooled, output: text, run: '{MARK}; head -c 5000 /dev/zero | tr "\\0" s'}}
  - {{id: filed, output: text, run: '{MARK}; head -c 400000 /dev/zero | tr "\\0" f'}}
  - {{run: '{MARK}; wc -c', stdin: '${{{{ nodes.filed.result }}}}'}}
outputs:
  n: ${{{{ nodes.short.outputs.n }}}}
""",
    "once": f"""
group:
  - {{id: p, idempotent: false, on_error: continue, run: '{MARK}; echo paid'}}
  - {{id: q, idempotent: false, on_error: continue, run: '{MARK}; echo paid'}}
  - chain:
      - {{sleep: 5ms}}
      - {{run: '{MARK}; echo after'}}
""",
    "undo": f"""
try:
  chain:
    - {{run: '{MARK}; echo booked', undo: {{run: '{MARK}; echo unbooked'}}}}
    - {{run: '{MARK}; echo paid', undo: {{run: '{MARK}; echo refunded'}}}}
    - {{run: '{MARK}; exit 7'}}
catch: {{run: '{MARK}; echo undone'}}
""",
}


class Broken(Exception):
    """A promise that was not kept: (which loss it is, what was seen)."""

    def __init__(self, loss, words):
        super().__init__(words)
        self.loss = loss


class Place:
    """A folder with a workflow and a database of its own."""

    def __init__(self, flow, scratch, killer):
        self.path = pathlib.Path(tempfile.mkdtemp(dir=scratch))
        (self.path / "flow.yaml").write_text(FLOWS[flow])
        self.db = self.path / "actant.db"
        self.killer = killer
        dropped = ("CI", "GITHUB_ACTIONS")
        self.env = {k: v for k, v in os.environ.items() if k not in dropped}
        self.env.update(ACTANT_DB=str(self.db), HOME=str(self.path), TMPDIR=str(self.path))

    def actant(self, *args, plan=None):
        env = dict(self.env)
        if plan is not None:
            env.update(plan, LD_PRELOAD=str(self.killer))
        try:
            return subprocess.run([os.environ["ACTANT"], *args], cwd=self.path, env=env,
                                  stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            raise Broken("stuck", f"actant {' '.join(args)} does not end") from None

    def runs(self):
        if not self.db.exists():
            return []
        done = self.actant("history", "list", "--json")
        if done.returncode not in (0, 2):
            raise Broken("wrong", f"history list: {done.stderr.decode()[-400:]}")
        return [row["run"] for row in json.loads(done.stdout)["runs"]] if done.returncode == 0 else []

    def effects(self):
        file = self.path / "effects"
        lines = file.read_text().splitlines() if file.exists() else []
        return [tuple(line.rsplit(" ", 1)) for line in lines]

    def show(self):
        done = self.actant("history", "show", "last", "--json")
        if done.returncode != 0:
            raise Broken("wrong", f"history show: {done.stderr.decode()[-400:]}")
        return json.loads(done.stdout)

    def remove(self):
        shutil.rmtree(self.path, ignore_errors=True)


def outline(doc):
    """What must not depend on kills: of a document, without times, attempts and processes."""
    nodes = {node["path"]: (node["status"], json.dumps(node["result"]), json.dumps(node["outputs"]))
             for node in doc["nodes"]}
    return doc["status"], json.dumps(doc["result"]), json.dumps(doc["outputs"]), nodes


def count_calls(flow, scratch, killer):
    """An undisturbed run: its outline and how many marks it leaves."""
    place = Place(flow, scratch, killer)
    counted = place.path / "count"
    done = place.actant("run", "flow.yaml", "--quiet",
                        plan={"KILL_AT": "0", "KILL_COUNT": str(counted)})
    if done.returncode not in (0, 1):
        raise SystemExit(f"{flow} does not run: {done.stderr.decode()}")
    found = outline(place.show()), int(counted.read_text())
    place.remove()
    return found


class Case:
    """One kill, or several, and what came of it."""

    def __init__(self, number, seed, flow, calls, expected):
        self.number, self.flow, self.calls, self.expected = number, flow, calls, expected
        self.random = random.Random(f"{seed}/{number}")
        self.kills = []

    def plan(self, at):
        how = self.random.choice(("before", "after", "cut"))
        self.kills.append(f"{at} {how}")
        return {"KILL_AT": str(at), "KILL_AFTER": str(int(how == "after")),
                "KILL_CUT": str(int(how == "cut"))}

    def play(self, scratch, killer, at):
        place = Place(self.flow, scratch, killer)
        try:
            self._kill(place, ("run", "flow.yaml", "--quiet"), at)
            self._recover(place)
            self._judge(place)
        finally:
            place.remove()

    def _kill(self, place, args, at):
        """True: it was killed."""
        done = place.actant(*args, plan=self.plan(at))
        if done.returncode == -signal.SIGKILL:
            return True
        if done.returncode not in (0, 1):
            raise Broken("crashed", f"exit {done.returncode}: {done.stderr.decode()[-600:]}")
        self.kills.pop()
        return False

    def _recover(self, place):
        runs = place.runs()
        if len(runs) > 1:
            raise Broken("repeated", f"{len(runs)} runs of one")
        if not runs:
            if place.effects():
                raise Broken("lost", f"no run, but {place.effects()} was done")
            args = ("run", "flow.yaml", "--quiet")
        else:
            # Two of its recoveries that are killed put a run into quarantine.
            args = ("resume", runs[0], "--quarantined", "--quiet")
        again = self.random.randrange(RECOVERIES + 1) if self.number % 2 else 0
        for _ in range(again):
            if not self._kill(place, args, self.random.randint(1, max(self.calls // 2, 8))):
                break
            if not runs:
                runs = place.runs()
                args = ("resume", runs[0], "--quarantined", "--quiet") if runs else args
        done = place.actant(*args)
        if done.returncode not in (0, 1):
            raise Broken("wrong", f"{args[0]} exits {done.returncode}: {done.stderr.decode()[-600:]}")

    def _judge(self, place):
        found, _, _ = check.judge(place.db, processes=True)
        if found:
            loss = "lost" if any(one[0] == "I1" for one in found) else "repeated"
            raise Broken(loss, "; ".join(map(str, found)))
        self._judge_effects(place)
        self._judge_end(outline(place.show()))

    def _judge_effects(self, place):
        effects = place.effects()
        twice = [e for e, n in collections.Counter(effects).items() if n > 1]
        if twice:
            raise Broken("repeated", f"{twice} was started twice under one number")
        log = history.Log(place.db)
        try:
            run = next(log.runs())
        finally:
            log.close()
        dispatched = collections.Counter(e.attempt for e in run.events if e.type == "dispatched")
        done = collections.Counter(int(attempt) for _, attempt in effects)
        for attempt, count in done.items():
            if count > dispatched[attempt]:
                raise Broken("lost", f"{count} commands began as attempt {attempt}, the log has "
                                     f"{dispatched[attempt]}: {effects}")

    def _judge_end(self, got):
        """As undisturbed, but for what must not run twice: that may be lost, honestly."""
        for part, name in zip(range(3), ("status", "result", "outputs")):
            if got[part] != self.expected[part] and self.flow != "once":
                raise Broken("wrong", f"{name} is {got[part]}, not {self.expected[part]}")
        if got[3].keys() != self.expected[3].keys():
            raise Broken("wrong", f"nodes {got[3].keys() ^ self.expected[3].keys()}")
        for path, node in got[3].items():
            lost = self.flow == "once" and node[0] in ("failed", "succeeded")
            if node != self.expected[3][path] and not lost:
                raise Broken("wrong", f"{path} is {node}, not {self.expected[3][path]}")


def play(case, scratch, killer, at):
    try:
        case.play(scratch, killer, at)
        return None, len(case.kills)
    except Broken as broken:
        words = f"case {case.number} ({case.flow}, killed at {', '.join(case.kills)}): {broken}"
        return (broken.loss, words), len(case.kills)


def points(flows, cases):
    """(flow, call): every point of every flow in turn, over again until there are enough."""
    every = [(flow, at) for flow, (_, calls) in flows.items() for at in range(1, calls + 1)]
    return [every[i % len(every)] for i in range(cases)] if cases >= len(every) else \
        [every[i * len(every) // cases] for i in range(cases)]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--killer", required=True, type=pathlib.Path)
    parser.add_argument("--program", help="instead of $ACTANT")
    parser.add_argument("--only", type=int, help="this case again")
    options = parser.parse_args()
    os.environ["ACTANT"] = os.path.abspath(options.program or os.environ["ACTANT"])
    options.killer = options.killer.resolve()
    scratch = tempfile.mkdtemp(prefix="prove-kill-")
    report = collections.Counter(lost=0, repeated=0, wrong=0, stuck=0, crashed=0)
    try:
        flows = {flow: count_calls(flow, scratch, options.killer) for flow in FLOWS}
        planned = points(flows, options.cases)
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            futures = []
            for number, (flow, at) in enumerate(planned):
                if options.only is None or options.only == number:
                    expected, calls = flows[flow]
                    case = Case(number, options.seed, flow, calls, expected)
                    futures.append(pool.submit(play, case, scratch, options.killer, at))
            for future in concurrent.futures.as_completed(futures):
                broken, kills = future.result()
                report["kills"] += kills
                if broken:
                    report[broken[0]] += 1
                    print(broken[1], file=sys.stderr)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    print(json.dumps({"cases": len(futures), "points": sum(calls for _, calls in flows.values()),
                      "seed": options.seed, **report}))
    return 1 if any(report[name] for name in ("lost", "repeated", "wrong", "stuck", "crashed")) else 0


if __name__ == "__main__":
    sys.exit(main())

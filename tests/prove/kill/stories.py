"""What is killed, how one goes on, and what must then be: a story is a command, with what comes before it
undisturbed and what a person would say after it died."""

import collections
import os
import pathlib
import signal
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "checker"))

import check  # noqa: E402
import log as history  # noqa: E402
from place import MARK, PATIENCE_S, Broken, outline  # noqa: E402

BOXES = f"""
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
"""
OUTPUTS = f"""
chain:
  - {{id: short, run: '{MARK}; echo "n=1" >> "$ACTANT_OUTPUT"'}}
  - {{id: spooled, output: text, run: '{MARK}; head -c 5000 /dev/zero | tr "\\0" s'}}
  - {{id: filed, output: text, run: '{MARK}; head -c 400000 /dev/zero | tr "\\0" f'}}
  - {{id: count, run: '{MARK}; wc -c', stdin: '${{{{ nodes.filed.result }}}}'}}
outputs:
  n: ${{{{ nodes.short.outputs.n }}}}
"""
ONCE = f"""
group:
  - {{id: p, idempotent: false, on_error: continue, run: '{MARK}; echo paid'}}
  - {{id: q, idempotent: false, on_error: continue, run: '{MARK}; echo paid'}}
  - chain:
      - {{sleep: 5ms}}
      - {{run: '{MARK}; echo after'}}
"""
UNDO = f"""
try:
  chain:
    - {{run: '{MARK}; echo booked', undo: {{run: '{MARK}; echo unbooked'}}}}
    - {{run: '{MARK}; echo paid', undo: {{run: '{MARK}; echo refunded'}}}}
    - {{run: '{MARK}; exit 7'}}
catch: {{run: '{MARK}; echo undone'}}
"""
MENDED = f"""
chain:
  - {{id: a, run: '{MARK}; echo one'}}
  - group:
      - {{id: b, run: '{MARK}; test -e mended'}}
      - {{id: c, run: '{MARK}; echo c'}}
  - {{id: z, run: '{MARK}; echo ${{{{ nodes.a.result }}}}'}}
"""
KEPT = f"""
chain:
  - {{id: made, cache: {{key: one}}, artifacts: {{folder: out}}, output: text,
      run: '{MARK}; mkdir -p out/deep; echo kept > out/deep/file; head -c 400000 /dev/zero > out/large; head -c 5000 /dev/zero | tr "\\0" s'}}
  - {{id: read, run: '{MARK}; cat ${{{{ nodes.made.artifacts.folder }}}}/deep/file; wc -c <${{{{ nodes.made.artifacts.folder }}}}/large'}}
"""


class Story:
    """A run, from the file. `honest`: the paths of nodes that must not run twice, so that they may be lost instead."""

    role = "run"      # the program's first argument, by which the killer knows who is to die
    runs_after = 1    # how many runs there are at last

    def __init__(self, flow, *args, honest=()):
        self.flow, self.args, self.honest = flow, args, honest

    def prepare(self, place):
        """What comes before, undisturbed."""

    def start(self, place):
        """The command that is killed."""
        del place
        return ("run", "flow.yaml", "--quiet", *self.args)

    def after_kill(self, place):
        """What must hold right after it, before anybody goes on."""

    def next(self, place):
        """The command that goes on; None: there is nothing to do."""
        runs = place.runs()
        if len(runs) > self.runs_after:
            raise Broken("repeated", f"{len(runs)} runs, not {self.runs_after}")
        if len(runs) < self.runs_after:
            begun = [e for e in place.effects() if e[0] not in runs]
            if begun:
                raise Broken("lost", f"no run, but {begun} was done")
            return self.start(place)
        # Two of its recoveries that are killed put a run into quarantine.
        return ("resume", runs[0], "--quarantined", "--quiet")

    def role_of(self, args):
        """By which argument the killer knows the process of this command."""
        return args[0]

    def end(self, place):
        """Waits for what goes on by itself."""

    # ---- what must be at last

    def outline(self, place):
        return outline(place.show())

    def judge(self, place, expected):
        self.judge_log(place, place.db)
        self.judge_effects(place, expected["effects"])
        self.judge_outline(self.outline(place), expected["outline"])

    def judge_log(self, place, db):
        found, _, _ = check.judge(db, processes=True)
        if found:
            loss = "lost" if any(one[0] == "I1" for one in found) else "repeated"
            raise Broken(loss, "; ".join(map(str, found)))

    def judge_effects(self, place, expected):
        effects = place.effects()
        twice = [e for e, n in collections.Counter(effects).items() if n > 1]
        if twice:
            raise Broken("repeated", f"{twice} was started twice under one number")
        missing = expected - {node for _, _, node in effects} - set(self.honest)
        if missing:
            raise Broken("lost", f"the run has ended, but {missing} never began")
        done = collections.Counter((run, int(attempt)) for run, attempt, _ in effects)
        log = history.Log(place.db)
        try:
            dispatched = collections.Counter((run.id, e.attempt) for run in log.runs() for e in run.events
                                             if e.type == "dispatched")
        finally:
            log.close()
        for what, count in done.items():
            if count > dispatched[what]:
                raise Broken("lost", f"{count} commands began as attempt {what[1]} of {what[0]}, the log has "
                                     f"{dispatched[what]}: {effects}")

    def judge_outline(self, got, expected):
        """As undisturbed, but for what must not run twice: that may be lost, honestly."""
        for part, name in zip(range(3), ("status", "result", "outputs")):
            if got[part] != expected[part] and not self.honest:
                raise Broken("wrong", f"{name} is {got[part]}, not {expected[part]}")
        if got[3].keys() != expected[3].keys():
            raise Broken("wrong", f"nodes {got[3].keys() ^ expected[3].keys()}")
        for path, node in got[3].items():
            lost = self.honest and node[0] in ("failed", "succeeded")
            if node != expected[3][path] and not lost:
                raise Broken("wrong", f"{path} is {node}, not {expected[3][path]}")


class Kept(Story):
    """Artifacts, and an end that is kept for later runs; what they hold is what the log says."""

    def judge(self, place, expected):
        super().judge(place, expected)
        for run in place.runs():
            place.well("history", "verify", run)


class Reused(Kept):
    """What an earlier run has kept is not done again."""

    runs_after = 2

    def prepare(self, place):
        place.well("run", "flow.yaml", "--quiet")


class Fork(Story):
    """A fork of a run that has ended; that one stays as it was."""

    role, runs_after = "fork", 2

    def __init__(self, flow, node):
        super().__init__(flow)
        self.node = node

    def prepare(self, place):
        place.well("run", "flow.yaml", "--quiet")
        place.first = place.runs()[0]
        place.before = outline(place.show(place.first))

    def start(self, place):
        return ("fork", place.first, "--from", self.node, "--quiet")

    def judge(self, place, expected):
        super().judge(place, expected)
        self.judge_outline(outline(place.show(place.first)), place.before)


class Retry(Story):
    """New attempts of what failed, once its cause is mended."""

    role = "retry"

    def prepare(self, place):
        place.well("run", "flow.yaml", "--quiet", codes=(1,))
        (place.path / "mended").touch()

    def start(self, place):
        return ("retry", "last", "--quiet")

    def next(self, place):
        if place.rows()[0]["status"] == "failed":
            return self.start(place)
        return super().next(place)


class Export(Story):
    """The file is there whole, or what was there before is."""

    role = "export"

    def prepare(self, place):
        place.well("run", "flow.yaml", "--quiet")

    def start(self, place):
        return ("export", "last", "-o", "out", "--force")

    def after_kill(self, place):
        if (place.path / "out").exists():
            self.outline(place)

    def next(self, place):
        return self.start(place)

    def outline(self, place):
        """What a colleague gets."""
        place.colleague = getattr(place, "colleague", 0) + 1
        db = place.path / f"colleague{place.colleague}.db"
        place.well("import", "out", db=db)
        self.judge_log(place, db)
        place.well("history", "verify", "last", db=db)
        return outline(place.show(db=db))


class Import(Story):
    """The run is there whole, or nothing of it."""

    role = "import"

    def prepare(self, place):
        place.well("run", "flow.yaml", "--quiet")
        place.well("export", "last", "-o", "out")
        place.home, place.db = place.db, place.path / "there.db"
        place.env["ACTANT_DB"] = str(place.db)

    def start(self, place):
        return ("import", "out")

    def after_kill(self, place):
        for run in place.runs():
            place.well("history", "verify", run)

    def next(self, place):
        return self.start(place)

    def judge(self, place, expected):
        super().judge(place, expected)
        place.well("history", "verify", "last")
        if place.runs() != place.runs(place.home):
            raise Broken("wrong", f"{place.runs()} was imported")


class Gc(Story):
    """What was to go is gone, with its files; what was to stay is whole."""

    role = "history"

    def prepare(self, place):
        for _ in range(3):
            place.well("run", "flow.yaml", "--quiet")
        place.kept = place.runs()[0]

    def start(self, place):
        return ("history", "gc", "--keep", "1")

    def after_kill(self, place):
        for run in place.runs():
            place.well("history", "verify", run)
        if place.kept not in place.runs():
            raise Broken("lost", "the run that was to stay is gone")

    def next(self, place):
        return self.start(place)

    def judge(self, place, expected):
        super().judge(place, expected)
        if place.runs() != [place.kept]:
            raise Broken("wrong", f"{place.runs()} are there")
        place.well("history", "verify", place.kept)
        folders = [one.name for one in pathlib.Path(f"{place.db}.d").iterdir() if one.is_dir()]
        left = [name for name in folders if name not in (place.kept, "objects")]
        if left:
            raise Broken("wrong", f"folders of runs that are gone: {left}")

    def judge_effects(self, place, expected):
        """The commands of what is gone are in no log any more."""


def living(place):
    """Keepers and coordinators that were started in this place; also what has no words yet, in the middle of an exec."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")[:2]
            here = words in ([b"actant", b"keeper"], [b"actant", b"coordinator"], [b""]) and \
                os.readlink(entry / "cwd") == str(place.path)
            if here and (entry / "stat").read_text().rsplit(")", 1)[1].split()[0] != "Z":
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def end_living(place):
    """Whoever has ended by itself in between is no mistake."""
    for pid in living(place):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


class Detached(Story):
    """A run in the background whose coordinator, keeper or both die."""

    def __init__(self, flow, *roles):
        super().__init__(flow)
        self.roles = roles

    def start(self, place):
        return ("run", "--detach", "flow.yaml")

    def role_of(self, args):
        return self.roles if args[0] == "run" else args[0]

    def next(self, place):
        self.end(place)
        if place.rows() and place.rows()[0]["status"] in ("succeeded", "failed"):
            return None
        args = super().next(place)
        return ("run", "flow.yaml", "--quiet") if args[0] == "run" else args

    def end(self, place):
        until = time.monotonic() + PATIENCE_S
        while living(place):
            if time.monotonic() > until:
                raise Broken("stuck", "the run's processes do not end")
            time.sleep(0.01)

    def leave(self, place):
        """Whatever went wrong, nothing stays: a keeper that is gone starts no other coordinator."""
        for _ in range(3):
            end_living(place)


STORIES = {
    "boxes": Story(BOXES),
    "outputs": Story(OUTPUTS),
    "once": Story(ONCE, honest=("group[0]", "group[1]")),
    "undo": Story(UNDO),
    "power": Story(OUTPUTS, "--durability", "power"),
    "kept": Kept(KEPT, "--durability", "power"),
    "reused": Reused(KEPT),
    "fork": Fork(OUTPUTS, "count"),
    "retry": Retry(MENDED),
    "export": Export(OUTPUTS),
    "import": Import(OUTPUTS),
    "gc": Gc(OUTPUTS),
    "coordinator": Detached(BOXES, "coordinator"),
    "keeper": Detached(BOXES, "keeper"),
    "both": Detached(BOXES, "coordinator", "keeper"),
}

"""What the tests that drive the binary share: each has a database, a folder and an environment of its
own, and waits on conditions, never for a time."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
ACTANT = os.environ.get("ACTANT", str(ROOT / "build" / "release" / "actant"))
PATIENCE_S = int(os.environ.get("ACT_PATIENCE_S", "240"))  # a bound for what hangs, not a measure
# A time-out has to pass, and what it ends has to have begun before: on a busy machine that takes a longer one.
TIMEOUTS = ("300ms", "3s", "30s", "120s")
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.path.insert(0, str(ROOT / "tests" / "checker"))

import check  # noqa: E402
from check import is_dying  # noqa: E402


def is_gone(pid):
    """Nobody runs there any more: a process that was killed, or that nobody has waited for, takes a while to go."""
    return is_dying(pathlib.Path(f"/proc/{pid}"))


class World:
    """A folder, a database, and the program."""

    def __init__(self, path):
        self.path = path
        self.db = path / "state" / "actant.db"
        dropped = ("CI", "GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "NO_COLOR", "CLICOLOR_FORCE",
                   "XDG_RUNTIME_DIR")
        self.env = {k: v for k, v in os.environ.items() if k not in dropped}
        self.env.update(ACTANT_DB=str(self.db), TMPDIR=str(path), HOME=str(path),
                        XDG_CONFIG_HOME=str(path / "config"), TERM="dumb")
        self.started = []
        self.damaged = False  # the test has spoilt its database: it is not judged afterwards

    def write(self, text, name="flow.yaml"):
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def __call__(self, *args, input=None, env=None, code=None, cwd=None):
        """Runs to the end; code: the exit code that must come."""
        done = subprocess.run([ACTANT, *map(str, args)], env={**self.env, **(env or {})},
                              input=input, stdin=None if input is not None else subprocess.DEVNULL,
                              capture_output=True, timeout=PATIENCE_S, cwd=cwd or self.path)
        done.out = done.stdout.decode(errors="replace")
        done.err = done.stderr.decode(errors="replace")
        if code is not None:
            assert done.returncode == code, f"{done.returncode}: {done.out}\n{done.err}"
        return done

    def json(self, *args, code=0, **more):
        return json.loads(self(*args, "--json", code=code, **more).out)

    def run(self, text, *args, code=0, **more):
        """Writes the workflow and runs it; its document."""
        return self.json("run", self.write(text), *args, code=code, **more)

    def time_out(self, text, begun, *args, **more):
        """Runs text with ever longer time-outs for TIMEOUT, until it was begun that is ended by it; the document."""
        for timeout in TIMEOUTS:
            document = self.run(text.replace("TIMEOUT", timeout), *args, **more)
            if begun():
                return document
        raise AssertionError(f"what is to be ended never begins: {text}")

    def pid_in(self, name):
        """What a task has written there, once it has whole."""
        file = self.path / name
        text = file.read_text() if file.exists() else ""
        return int(text) if text.endswith("\n") else None

    def start(self, *args, env=None, **more):
        """In the background; killed at the end of the test if it is still there."""
        process = subprocess.Popen([ACTANT, *map(str, args)], env={**self.env, **(env or {})},
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, cwd=self.path, **more)
        self.started.append(process)
        return process

    def end(self, process, code=None):
        """Waits; gives (stdout, stderr)."""
        out, err = process.communicate(timeout=PATIENCE_S)
        if code is not None:
            assert process.returncode == code, f"{process.returncode}: {out!r} {err!r}"
        return out.decode(errors="replace"), err.decode(errors="replace")

    def show(self, run="last"):
        return self.json("history", "show", run)

    def node(self, name, run="last"):
        for node in self.show(run)["nodes"]:
            if name in (node["id"], node["path"]):
                return node
        return None

    def wait(self, what, condition):
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            found = condition()
            if found:
                return found
            time.sleep(0.02)
        raise AssertionError(f"never came: {what}")

    def wait_file(self, name):
        file = self.path / name
        self.wait(f"the file {name}", file.exists)
        return file

    def wait_line(self, name, count=1):
        """So many whole lines: a file is there before what is written into it."""
        file = self.path / name
        self.wait(f"{count} lines in {name}",
                  lambda: file.exists() and file.read_bytes().count(b"\n") >= count)
        return file

    def inhabitants(self):
        """Living processes whose current folder is the world's or below: also found in the middle of an exec, and
        before they have said anything."""
        found = []
        for entry in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if pathlib.Path(os.readlink(entry / "cwd")).is_relative_to(self.path):
                    found.append(int(entry.name))
            except OSError:
                pass  # gone, a zombie, or another user's
        return found

    def last_run(self):
        """The newest run's id, once there is one."""
        def newest():
            done = self("history", "list", "--json")
            runs = json.loads(done.out)["runs"] if done.returncode == 0 else []
            return runs[0]["run"] if runs else None
        return self.wait("a run in the history", newest)


@pytest.fixture
def world(tmp_path):
    w = World(tmp_path)
    yield w
    for process in w.started:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.communicate()
    if w.db.exists() and not w.damaged:
        found, _, _ = check.judge(w.db)
        assert not found, "the history breaks a promise: " + "; ".join(map(str, found))

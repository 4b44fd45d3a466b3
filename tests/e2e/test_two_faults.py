"""Fault 77: two faults at once. A run meets a failing call and is killed, its recovery meets another and a clock that
was set, and may be killed, too; all by seed, with the libraries of `prove fail` and `prove kill`. Then nothing
fails any more: it ends as it would have ended, or says what of."""

import errno
import json
import os
import pathlib
import random
import shutil
import subprocess

import pytest
from conftest import ACTANT, PATIENCE_S
from test_clock import CLOCK

PROVE = pathlib.Path(ACTANT).resolve().parent / "tests" / "prove"
FAILER, KILLER = PROVE / "fail" / "failer.so", PROVE / "kill" / "killer.so"
CC = shutil.which("cc")
SANITIZED = bool(os.environ.get("ACT_SANITIZE"))
pytestmark = pytest.mark.skipif(not (CC and FAILER.exists() and KILLER.exists()) or SANITIZED,
                                reason="needs the libraries of the proofs, and a libc of their own")
SEEDS = int(os.environ.get("ACT_TWO_FAULTS", "2"))  # of each pair

FLOW = """
chain:
- {id: a, run: 'echo a >> log'}
- group:
  - {id: b, run: 'echo b >> log; seq 1 20000', retry: 2}
  - {id: c, run: 'echo c >> log'}
  - {sleep: 20ms}
- {id: d, run: 'echo d >> once', idempotent: false}
- {id: e, run: 'echo e >> log; echo done'}
"""

# what fails in the first life, and what in the next; the first is killed besides
NO_SPACE = ("write", errno.ENOSPC, True)
NO_FILES = ("open", errno.EMFILE, True)
NO_SYNC = ("sync", errno.EIO, False)
NO_SPAWN = ("spawn", errno.EAGAIN, False)
NO_MEMORY = ("alloc", errno.ENOMEM, False)
PAIRS = {
    "disk full while killed": (NO_SPACE, None, 0),
    "disk full in recovery": (None, NO_SPACE, 0),
    "disk full, then again in recovery": (NO_SPACE, NO_SPACE, 0),
    "fsync fails, then a kill": (NO_SYNC, None, 0),
    "a kill, then fsync fails in recovery": (None, NO_SYNC, 0),
    "no descriptors, then a kill": (NO_FILES, None, 0),
    "a kill, then no descriptors": (None, NO_FILES, 0),
    "no process, then a kill": (NO_SPAWN, NO_SPAWN, 0),
    "a kill and a clock an hour back": (None, None, -3600),
    "a kill and a clock a year ahead": (None, None, 400 * 86400),
    "disk full in recovery, under another clock": (None, NO_SPACE, -3600),
    "no memory in recovery, under another clock": (None, NO_MEMORY, 3600),
}
CALLS = {"write": 60, "open": 30, "sync": 12, "spawn": 5, "alloc": 3000}  # about as many as there are


def faults(chance, fails, kill):
    """The environment of one life."""
    env, libraries = {}, []
    if fails:
        kind, number, sticky = fails
        env.update(FAIL_CLASS=kind, FAIL_AT=str(chance.randint(1, CALLS[kind])), FAIL_ERRNO=str(number))
        if sticky:
            env["FAIL_STICKY"] = "1"
        libraries.append(str(FAILER))
    if kill:
        env["KILL_PLAN"] = f"{kill}={chance.randint(1, 60)}{chance.choice('bac')}"
        libraries.append(str(KILLER))
    return env, libraries


def live(world, args, env, libraries, clock):
    preload = " ".join([*libraries, str(world.path / "clock.so")])
    process = subprocess.Popen([ACTANT, *args], cwd=world.path, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE,
                               env={**world.env, **env, "LD_PRELOAD": preload, "CLOCK_FILE": clock})
    try:
        _, err = process.communicate(timeout=30)
    except subprocess.TimeoutExpired:  # it waits for what the machine lacks
        process.kill()
        _, err = process.communicate()
    # A failure says what failed, and only the kill is a signal.
    assert process.returncode in (0, 1, 3, -9), (process.returncode, err)
    assert process.returncode != 3 or err
    return process.returncode


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("pair", PAIRS)
def test_a_pair(world, pair, seed):
    first, second, ahead = PAIRS[pair]
    chance = random.Random(f"{pair} {seed}")
    subprocess.run([CC, "-shared", "-fPIC", "-o", world.path / "clock.so", world.write(CLOCK, "clock.c"), "-ldl"],
                   check=True)
    (world.path / "now").write_text("0")
    (world.path / "later").write_text(str(ahead))
    level = chance.choice(["process", "power"])
    env, libraries = faults(chance, first, "run")
    live(world, ["run", str(world.write(FLOW)), "--durability", level], env, libraries, str(world.path / "now"))
    listed = world("history", "list", "--json")
    runs = json.loads(listed.out)["runs"] if listed.returncode == 0 else []
    if not runs:
        assert not (world.path / "log").exists()  # nothing runs that no history holds
        return
    for _ in range(2):
        env, libraries = faults(chance, second, chance.choice(["resume", None]))
        live(world, ["resume", "last", "--durability", level], env, libraries, str(world.path / "later"))
    # Nothing fails any more.
    done = world("resume", "last", "--quarantined", "--json")
    doc = json.loads(done.out)
    assert (done.returncode, doc["status"]) in ((0, "succeeded"), (1, "failed")), done.err
    if doc["status"] == "succeeded":
        assert doc["result"] == "done"
    else:
        assert doc["error"]["message"] and doc["error"]["cause"] in ("lost", "output", "start", "members", "exit")
    once = world.path / "once"
    assert not once.exists() or once.read_text() == "d\n"
    world("history", "verify", "last", code=0)

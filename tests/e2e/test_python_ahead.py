"""The first interpreter starts while the file is compiled: the compile is held up until it has."""

import json
import os
import sys

import pytest

from conftest import is_gone
from test_plugin import CC, TABLE, build

pytestmark = pytest.mark.skipif(not CC, reason="no C compiler")

# Its schema is asked for when the file is compiled, in a process of its own that has ten seconds.
HELD = """
#define _DEFAULT_SOURCE
#include <fcntl.h>
#include <unistd.h>
__attribute__((constructor)) static void hold(void)
{
    while (access(STARTS, F_OK) != 0)
        usleep(1000);
    close(open(SEEN, O_CREAT | O_WRONLY, 0600));
}
"""


@pytest.fixture
def held(world):
    """Runs a flow with the plugin `held`; who started as an interpreter, whether the compile saw it, the outcome."""
    starts, seen = world.path / "starts", world.path / "seen"
    build(world, "held", "plugins", None, f'-DSTARTS="{starts}"', f'-DSEEN="{seen}"',
          text=HELD + TABLE % ('{"t", f, "{\\"type\\": \\"object\\", \\"properties\\": {\\"n\\": {\\"type\\": \\"integer\\"}}}", NULL, NULL}',
                               "ACTANT_PLUGIN_ABI", "held", "actant_plugin_v1", "actant_plugin_v1", ""))
    interpreter = world.write(f'#!/bin/sh\necho $$ >> {starts}\nexec {sys.executable} "$@"\n', "interpreter")
    os.chmod(interpreter, 0o755)
    world.write("def f():\n    return 7\n", "tasks.py")

    def run(flow, code, *args):
        path = world.write(flow, "flow.yaml")
        for _ in range(8):  # a machine may be so busy that ten seconds are not enough
            for file in (starts, seen):
                file.unlink(missing_ok=True)
            done = world("run", path, *args, env={"ACTANT_PYTHON": str(interpreter)})
            if seen.exists():
                break
        assert seen.exists(), done.err
        assert done.returncode == code, done.err
        return [int(line) for line in starts.read_text().split()], done

    return run


def test_it_starts_while_the_file_is_compiled(held, world):
    pids, done = held("""
        chain:
          - plugin: held:t
            with: {n: 1}
          - python: tasks:f
            args: []
        """, 0, "--json")
    assert len(pids) == 1, "the one that started early is the one that works"
    run = json.loads(done.out)["run"]
    assert world.json("history", "show", run)["nodes"][-1]["result"] == 7


def test_a_file_with_mistakes_leaves_nothing(held):
    pids, done = held("""
        chain:
          - plugin: held:t
            with: {n: text}
          - python: tasks:f
        """, 2)
    for pid in pids:
        assert is_gone(pid)
    assert done.err.count("error") == 1 and "python" not in done.err.lower().split("tasks:f")[0], done.err


def test_none_starts_that_is_not_needed(held):
    pids, _ = held("""
        # python: is only spoken of
        plugin: held:t
        with: {n: 1}
        """, 0)
    for pid in pids:
        assert is_gone(pid)


@pytest.mark.parametrize("args", [["--dry-run"]])
def test_nothing_starts_where_nothing_runs(world, args):
    starts = world.path / "starts"
    interpreter = world.write(f'#!/bin/sh\necho $$ >> {starts}\nexec {sys.executable} "$@"\n', "interpreter")
    os.chmod(interpreter, 0o755)
    path = world.write("python: tasks:f\nargs: []\n", "flow.yaml")
    world("run", path, *args, code=0, env={"ACTANT_PYTHON": str(interpreter)})
    assert not starts.exists()

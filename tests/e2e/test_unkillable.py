"""Fault 48: a task that not even SIGKILL ends, as one that hangs in a dead network file system. A library loaded
before libc lets the engine believe that it has killed. The run goes on, and says what it has left."""

import re
import shutil
import signal
import subprocess

import pytest

CC = shutil.which("cc")
pytestmark = pytest.mark.skipif(not CC, reason="no C compiler")

# Nothing that carries the mark is killed; the engine hears that it was.
KILL = """
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
static int is_stuck(pid_t pid)
{
    char path[64], text[4096] = "";
    snprintf(path, sizeof(path), "/proc/%d/cmdline", pid < 0 ? -pid : pid);
    FILE *file = fopen(path, "r");
    size_t got = file ? fread(text, 1, sizeof(text) - 1, file) : 0;
    if (file)
        fclose(file);
    for (size_t i = 0; i < got; i++)
        text[i] = text[i] ? text[i] : ' ';
    return strstr(text, "77777") || strstr(text, "<actant>");
}
int kill(pid_t pid, int number);
int kill(pid_t pid, int number)
{
    if (number != 0 && is_stuck(pid))
        return 0;
    return (int)syscall(SYS_kill, pid, number);
}
"""
STUCK = "exec: [sh, -c, 'echo $$ >> all-stuck; echo $$ > stuck; exec sleep 77777']"


@pytest.fixture
def unkillable(world):
    library = world.path / "kill.so"
    subprocess.run([CC, "-shared", "-fPIC", "-o", library, world.write(KILL, "kill.c")], check=True)
    world.env.update(LD_PRELOAD=str(library),
                     ASAN_OPTIONS="verify_asan_link_order=0:" + world.env.get("ASAN_OPTIONS", ""))
    yield library
    for pid in (world.path / "all-stuck").read_text().split() if (world.path / "all-stuck").exists() else ():
        subprocess.run(["kill", "-9", pid], stderr=subprocess.DEVNULL)


def test_the_run_goes_on_without_it(world, unkillable):
    doc = world.time_out("chain:\n- {id: bad, %s, timeout: TIMEOUT, grace: 100ms, on_error: continue}\n"
                         "- {id: after, run: test -s stuck || exit 0; kill -0 $(cat stuck) && echo went on}\n" % STUCK,
                         lambda: world.pid_in("stuck"))
    assert doc["status"] == "succeeded" and doc["result"] == "went on"
    bad = world.node("bad")
    assert bad["status"] == "failed" and bad["cause"]["kind"] == "timeout"
    pid = (world.path / "stuck").read_text().strip()
    told = world("history", "events", "last", "--json", code=0).out
    assert f"process {pid} is still there" in told and '"cause":"lost"' in told
    world("history", "verify", "last", code=0)


def test_a_cancel_comes_to_its_end(world, unkillable):
    process = world.start("run", world.write("{id: bad, %s, grace: 100ms}" % STUCK), "--json")
    world.wait_file("stuck")
    world("cancel", world.last_run())
    assert '"status":"cancelled"' in world.end(process, 4)[0]


def test_ctrl_c_comes_to_its_end(world, unkillable):
    process = world.start("run", world.write("{id: bad, %s, grace: 100ms, idempotent: false}" % STUCK))
    world.wait_file("stuck")
    process.send_signal(signal.SIGTERM)
    world.end(process, 143)
    # Whether it ended is not known: what must not run twice does not.
    doc = world.json("resume", "last", code=1)
    assert doc["error"]["cause"] == "lost"


def test_a_worker_process_is_left_behind(world, unkillable):
    world.write("import time\ndef stuck():\n    open('begun', 'w').close()\n    while True:\n        try:\n            time.sleep(600)\n"
                "        except BaseException:\n            pass\ndef well(x):\n    return 7\n", "work.py")
    doc = world.time_out("chain:\n- {id: bad, python: work:stuck, timeout: TIMEOUT, grace: 100ms, on_error: continue}\n"
                         "- {id: after, python: work:well}\n", (world.path / "begun").exists)
    assert doc["status"] == "succeeded" and doc["result"] == 7
    assert world.node("bad")["cause"]["kind"] == "timeout"
    told = world("history", "events", "last", "--json", code=0).out
    pid = re.search(r"process (\d+) is still there", told)[1]
    subprocess.run(["kill", "-9", pid], stderr=subprocess.DEVNULL)  # it may have gone when nobody listened any more

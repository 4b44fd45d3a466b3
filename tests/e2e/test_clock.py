"""Fault 19: the clock is set while the program runs, by a library loaded before libc. Nothing waits for an hour
that the clock lost, times stay sane, histories stay sound. What each kind of waiting means for how long is
in tests/engine/run/clock_test.c."""

import json
import shutil
import signal
import subprocess

import pytest

CC = shutil.which("cc")
pytestmark = pytest.mark.skipif(not CC, reason="no C compiler")

# The seconds in the file are added to the real-time clock, and to no other.
CLOCK = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
static long ahead(void)
{
    char text[32] = "";
    const char *path = getenv("CLOCK_FILE");
    long fd = path ? syscall(SYS_openat, AT_FDCWD, path, O_RDONLY) : -1;
    if (fd < 0)
        return 0;
    syscall(SYS_read, fd, text, sizeof(text) - 1);
    syscall(SYS_close, fd);
    return atol(text);
}
int clock_gettime(clockid_t id, struct timespec *ret)
{
    int rc = (int)syscall(SYS_clock_gettime, id, ret);
    if (rc == 0 && id == CLOCK_REALTIME)
        ret->tv_sec += ahead();
    return rc;
}
time_t time(time_t *ret)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (ret)
        *ret = now.tv_sec;
    return now.tv_sec;
}
int gettimeofday(struct timeval *restrict ret, void *restrict zone)
{
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    ret->tv_sec = now.tv_sec;
    ret->tv_usec = now.tv_nsec / 1000;
    return 0;
}
"""
HOUR = 3600
FLOW = """
chain:
- {id: a, run: 'touch up; while [ ! -e go ]; do sleep 0.02; done'}
- group:
  - {sleep: 700ms}
  - {id: flaky, run: 'test $ACTANT_ATTEMPT -gt 1', retry: {max: 1, delay: 300ms}}
  - {id: slow, run: 'sleep 0.5', timeout: 600s}
  - {id: hang, run: 'exec sleep 5000', timeout: 1s, on_error: continue}
  - {for: '${{ range(3) }}', do: {run: 'echo x', limits: {api: 1/s}}}
- {id: z, run: 'echo done'}
"""


@pytest.fixture
def clock(world):
    library = world.path / "clock.so"
    subprocess.run([CC, "-shared", "-fPIC", "-o", library, world.write(CLOCK, "clock.c"), "-ldl"], check=True)
    file = world.path / "ahead"
    file.write_text("0")
    world.env.update(LD_PRELOAD=str(library), CLOCK_FILE=str(file),
                     ASAN_OPTIONS="verify_asan_link_order=0:" + world.env.get("ASAN_OPTIONS", ""))

    def set_clock(seconds):
        (world.path / "ahead.new").write_text(str(seconds))
        (world.path / "ahead.new").rename(file)
    return set_clock


def is_sane(world, run, before):
    doc = world.show(run)
    assert doc["status"] == "succeeded" and 0 < doc["duration_ms"] < HOUR * 1000, doc
    for node in doc["nodes"]:
        assert 0 <= node["started_ns"] <= node["ended_ns"] < HOUR * 10**9, node
    listed = [r["run"] for r in world.json("history", "list")["runs"]]
    assert listed == [run, before]
    world("history", "verify", run, code=0)
    world("explain", run, "z", code=0)
    seqs = [json.loads(line)["seq"] for line in world("history", "events", run, "--json", code=0).out.splitlines()]
    assert seqs == list(range(1, len(seqs) + 1))


@pytest.mark.parametrize("by", [-HOUR, HOUR, -400 * 24 * HOUR, 400 * 24 * HOUR])
def test_set_while_a_run_goes_on(world, clock, by):
    before = world.run("value: 1")["run"]
    process = world.start("run", world.write(FLOW), "--json")
    world.wait_file("up")
    clock(by)
    (world.path / "go").touch()
    doc = json.loads(world.end(process, 0)[0])
    assert 0 < doc["duration_ms"] < HOUR * 1000
    is_sane(world, doc["run"], before)


@pytest.mark.parametrize("by", [-HOUR, HOUR])
def test_set_while_nobody_has_it(world, clock, by):
    """The engine dies, the clock is set, the run is taken up."""
    flow = "chain:\n- {sleep: 100ms}\n- {id: a, run: 'if [ ! -e up ]; then touch up; exec sleep 300; fi'}\n" \
           "- {sleep: 1s}\n- {id: z, run: echo done}\n"
    process = world.start("run", world.write(flow))
    world.wait_file("up")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    clock(by)
    doc = world.json("resume", "last")
    assert doc["status"] == "succeeded" and doc["result"] == "done"
    assert 0 < doc["duration_ms"] < 2 * HOUR * 1000
    world("history", "verify", "last", code=0)


def test_a_sleep_that_is_resumed_after_the_clock_was_set_back(world, clock):
    """At most its own length is waited for again."""
    process = world.start("run", world.write("chain: [{run: touch up}, {sleep: 2s}, {run: echo done}]"))
    world.wait_file("up")
    world.wait("the sleep", lambda: any("parked" in line for line in
                                        world("history", "events", "last", "--json").out.splitlines()))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    clock(-HOUR)
    assert world.json("resume", "last")["result"] == "done"


def test_set_back_under_a_run_in_the_background(world, clock):
    run = world.json("run", world.write(FLOW), "--detach")["run"]
    world.wait_file("up")
    clock(-HOUR)
    (world.path / "go").touch()
    doc = world.json("attach", run)
    assert doc["status"] == "succeeded" and 0 < doc["duration_ms"] < HOUR * 1000
    world("history", "verify", run, code=0)


def test_retention_by_age_when_runs_are_from_the_future(world, clock):
    """A run that ended under a clock that was ahead is not older than any; later ones are not kept for it."""
    clock(400 * 24 * HOUR)
    ahead = world.run("value: 1")["run"]
    clock(0)
    now = world.run("value: 2")["run"]
    world("history", "gc", "--older-than", "1d", "--keep", "0", code=0)
    assert {r["run"] for r in world.json("history", "list")["runs"]} == {ahead, now}
    clock(2 * 24 * HOUR)
    world("history", "gc", "--older-than", "1d", "--keep", "0", code=0)
    assert {r["run"] for r in world.json("history", "list")["runs"]} == {ahead}

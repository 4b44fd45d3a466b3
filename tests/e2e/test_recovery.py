"""Taking a run up again when that itself goes wrong: recoveries that die are counted, two of them put the
run into quarantine, and everything that ends in order counts for nothing."""

import json
import shutil
import signal
import sqlite3
import subprocess

import pytest

CC = shutil.which("cc")
pytestmark = pytest.mark.skipif(not CC, reason="no C compiler")

# Loaded before libc: kills the process when it gives the database's lock back for the Nth time after it
# has written to it. In a `resume` the first time is after the recovery was counted, before the log is
# replayed.
DIES = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>
static int wrote;
#define WRITES(name)                                                      \\
    ssize_t name(int fd, const void *bytes, size_t count, off_t at);      \\
    ssize_t name(int fd, const void *bytes, size_t count, off_t at)       \\
    {                                                                     \\
        ssize_t (*real)(int, const void *, size_t, off_t);                \\
        *(void **)&real = dlsym(RTLD_NEXT, #name);                        \\
        wrote |= count >= 512;                                            \\
        return real(fd, bytes, count, at);                                \\
    }
WRITES(pwrite)
WRITES(pwrite64)
int flock(int fd, int operation);
int flock(int fd, int operation)
{
    static int times;
    int (*real)(int, int);
    *(void **)&real = dlsym(RTLD_NEXT, "flock");
    int ret = real(fd, operation);
    const char *at = getenv("DIE_AT_UNLOCK");
    if (operation == LOCK_UN && at && wrote && ++times == atoi(at))
        raise(SIGKILL);
    if (operation == LOCK_UN)
        wrote = 0;
    return ret;
}
"""
COUNTED, COMMITTED = "1", "2"

# b sleeps the first time only
ONCE = "chain:\n- {id: a, run: echo a >> log}\n" \
       "- {id: b, run: 'if [ ! -e %s ]; then touch %s; exec sleep 300; fi'}\n" \
       "- {id: c, run: 'echo done'}\n"


@pytest.fixture
def dying(world):
    """env of a process that dies in its recovery."""
    source = world.write(DIES, "dies.c")
    library = world.path / "dies.so"
    subprocess.run([CC, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return {"LD_PRELOAD": str(library), "DIE_AT_UNLOCK": COUNTED,
            "ASAN_OPTIONS": "verify_asan_link_order=0:" + world.env.get("ASAN_OPTIONS", "")}


def interrupted(world, mark="up"):
    """A run whose engine was killed; its id."""
    process = world.start("run", world.write(ONCE % (mark, mark), f"{mark}.yaml"))
    world.wait_file(mark)
    run = world.last_run()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    return run


def die(world, run, env, *args):
    assert world("resume", run, *args, env=env).returncode == -signal.SIGKILL


def status(world, run):
    return next(r["status"] for r in world.json("history", "list")["runs"] if r["run"] == run)


def quarantined(world):
    return [r["run"] for r in world.json("history", "list", "--status", "quarantined")["runs"]]


def sql(world, text):
    db = sqlite3.connect(world.db)
    with db:
        rows = db.execute(text).fetchall()
    db.close()
    return rows


def test_two_recoveries_that_crash_put_a_run_into_quarantine(world, dying):
    other = interrupted(world, "up2")
    run = interrupted(world)
    die(world, run, dying)
    assert status(world, run) == "interrupted" and quarantined(world) == []
    die(world, run, dying)
    assert quarantined(world) == [run] and status(world, other) == "interrupted"
    for command in ("resume", "cancel"):
        refused = world(command, run, code=3)
        assert "quarantined" in refused.err and f"history verify {run}" in refused.err
        assert f"resume --quarantined {run}" in refused.err
    # What only looks works, and so do other runs.
    world("history", "verify", run, code=0)
    assert world.json("history", "show", run)["status"] == "quarantined"
    assert world.json("resume", other)["status"] == "succeeded"
    # A third one that dies, by the wish of a person, leaves it where it was.
    die(world, run, dying, "--quarantined")
    assert quarantined(world) == [run]
    assert world.json("resume", run, "--quarantined")["status"] == "succeeded"
    assert quarantined(world) == [] and status(world, run) == "succeeded"


def test_a_quarantined_run_can_be_cancelled(world, dying):
    run = interrupted(world)
    die(world, run, dying)
    die(world, run, dying)
    assert world.json("cancel", run, "--quarantined")["status"] == "cancelled"


def test_a_recovery_that_went_well_clears_the_count(world, dying):
    run = interrupted(world)
    for _ in range(3):
        die(world, run, dying)
        # Its first batch is committed; what kills it then is no recovery that crashed.
        die(world, run, {**dying, "DIE_AT_UNLOCK": COMMITTED})
        assert status(world, run) == "interrupted"
    assert world.json("resume", run)["status"] == "succeeded"


def test_a_suspended_run_is_counted_too(world, dying):
    process = world.start("run", world.write(ONCE % ("up", "up")))
    world.wait_file("up")
    process.send_signal(signal.SIGTERM)
    world.end(process, 143)
    run = world.last_run()
    die(world, run, dying)
    assert status(world, run) == "suspended"
    die(world, run, dying)
    assert quarantined(world) == [run]
    assert world.json("resume", run, "--quarantined")["status"] == "succeeded"


def test_what_ends_in_order_does_not_count(world, dying):
    """A log that cannot be replayed is an error that says so, however often one tries."""
    run = interrupted(world)
    newest = "WHERE position = (SELECT max(position) FROM batches)"
    [(right,)] = sql(world, f"SELECT hex(hash) FROM batches {newest}")
    sql(world, f"UPDATE batches SET hash = zeroblob(32) {newest}")
    for _ in range(3):
        assert "damaged" in world("resume", run, code=3).err
    assert status(world, run) == "interrupted"
    assert sql(world, "SELECT count(*) FROM recoveries") == [(0,)]
    sql(world, f"UPDATE batches SET hash = x'{right}' {newest}")
    assert world.json("resume", run)["status"] == "succeeded"


def test_an_ended_run_is_not_counted(world, dying):
    doc = world.run("run: echo x")
    for _ in range(3):
        assert json.loads(world("resume", doc["run"], "--json", env=dying, code=0).out) == doc
    assert status(world, doc["run"]) == "succeeded"


def test_a_run_without_a_beginning_is_refused(world):
    """Damage that SQLite does not see: there is nothing to go on with, and nothing to wait for."""
    process = world.start("run", world.write("chain: [touch up, {wait: go}]"))
    world.wait_file("up")
    run = world.last_run()
    process.kill()
    process.wait()
    world.damaged = True
    with sqlite3.connect(world.db) as sql:
        sql.execute("DELETE FROM batches")
    for verb in ("resume", "cancel", "retry"):
        assert "its beginning is gone" in world(verb, run, code=3).err
    assert "event 1" in world("history", "verify", run, code=1).err

"""What holds at level `process` holds at `power`, where a thread of its own commits: lives and deaths, a full
disk, states of actors."""

import json
import pathlib
import shutil
import sqlite3
import subprocess

import pytest

from conftest import ACTANT, PATIENCE_S
from test_call import (  # noqa: F401
    counter, test_a_run_that_was_suspended_goes_on_with_the_state, test_actant_dies_in_the_middle,
    test_parallel_calls_lose_nothing, test_retry_of_a_run_goes_on_with_the_state,
    test_runs_at_once_share_a_global_actor, test_without_history)
from test_faults import test_a_full_disk, test_a_changed_batch_is_found  # noqa: F401
from test_life import *  # noqa: F401,F403


@pytest.fixture
def world(world):
    world.env["ACTANT_DURABILITY"] = "power"
    return world


def test_a_chain_commits_once_a_link(world):
    """As at `process`: no link waits for a batch of its own twice."""
    run = world.run("chain: [" + ", ".join(["{run: 'true'}"] * 40) + "]")["run"]
    batches, = sqlite3.connect(world.db).execute("select count(*) from batches").fetchone()
    events, = sqlite3.connect(world.db).execute("select sum(count) from batches").fetchone()
    assert events > 100 and batches <= 3 * 40 + 10
    world("history", "verify", run, code=0)


def test_the_level_is_a_thread(world):
    """The canary of this file: at `power` there is a writer's thread, at `process` there is none."""
    for level in ("process", "power"):
        world.env["ACTANT_DURABILITY"] = level
        process = world.start("run", world.write(f"chain:\n- run: touch up-{level}\n- run: sleep 1000\n"))
        world.wait_file(f"up-{level}")
        threads = pathlib.Path(f"/proc/{process.pid}/task")

        def name_of(thread):
            try:
                return (thread / "comm").read_text().strip()
            except OSError:  # it has gone since it was listed
                return None

        def is_there():
            return any(name_of(thread) == "history" for thread in threads.glob("*"))
        if level == "power":
            world.wait("the writer's thread, which names itself", is_there)
        assert is_there() == (level == "power")
        process.kill()
        process.communicate()


def test_a_dispatched_task_is_on_the_disk_before_it_starts(world):
    """Append before act, over the thread: what a task finds in the log says that it was dispatched."""
    flow = world.write("id: t\nrun: cp -r \"$(dirname \"$DB\")\" copy\n")
    world.env["DB"] = str(world.db)
    done = world("run", flow, "--json", code=0)
    run = json.loads(done.out)["run"]
    copy = world.path / "copy" / world.db.name
    (row,), = sqlite3.connect(copy).execute("select count(*) from runs where run = ?", (run,)).fetchall()
    events = world("history", "events", run, "--json", "--db", str(copy), code=0).out
    assert row == 1 and '"dispatched"' in events


@pytest.mark.skipif(not shutil.which("strace"), reason="no strace")
@pytest.mark.parametrize("level", ["power", "process"])
def test_outputs_are_on_the_disk_before_the_log_names_them(world, level):
    """A result in a file is worth what the file is: at `power` it is synced before the batch that names it."""
    trace = world.path / "trace"
    flow = world.write("chain:\n- run: head -c 5000 /dev/zero | tr '\\0' s\n"
                       "- run: head -c 400000 /dev/zero | tr '\\0' f\n"
                       "- run: mkdir -p made/deep; echo kept >made/deep/file\n  artifacts: {made: made}\n")
    done = subprocess.run(["strace", "-f", "-y", "-o", trace, "-e", "trace=write,fsync,fdatasync,pwrite64",
                           ACTANT, "run", flow, "--durability", level], env=world.env,
                          stdin=subprocess.DEVNULL, capture_output=True, cwd=world.path, timeout=PATIENCE_S)
    if b"ptrace" in done.stderr and done.returncode != 0:
        pytest.skip("processes cannot be traced here")
    assert done.returncode == 0, done.stderr
    folder = str(world.db.parent)
    written, synced, committed = {}, {}, 0  # where in the trace each was last done
    for at, line in enumerate(trace.read_text().splitlines()):
        call, _, rest = line.split(None, 1)[1].partition("(")
        path = rest[rest.find("<") + 1:rest.find(">")]
        if call == "write" and path.startswith(f"{world.db}.d") and "/memory-" not in path:
            written[path] = at
        elif call in ("fsync", "fdatasync") and path.startswith(folder):
            synced[path] = at
        elif call == "pwrite64" and path.endswith("-wal"):
            committed = at
    assert written and committed > 0 and bool(synced.keys() - {str(world.db)}) == (level == "power")
    if level == "power":  # a thread of its own commits what came before, while outputs are still written
        for path, at in written.items():
            assert at < synced[path] < committed, path
        kept = pathlib.Path(next(path for path in written if path.endswith("/deep/file")))
        for above in kept.parents:  # and the names under which it is found
            assert synced.get(str(above), 0) > written[str(kept)], above
            if above == world.db.parent:
                break

"""What holds at level `process` holds at `power`, where a thread of its own commits: lives and deaths, a full
disk, states of actors."""

import json
import pathlib
import sqlite3

import pytest

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
        names = [comm.read_text().strip()
                 for comm in pathlib.Path(f"/proc/{process.pid}/task").glob("*/comm")]
        process.kill()
        process.communicate()
        assert ("history" in names) == (level == "power")


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

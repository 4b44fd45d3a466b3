"""The checker of histories finds what it is there for: each mistake is written into a sound history, hash
chain and all, and must be named with its invariant."""

import sqlite3

import check
import doctor
import pytest

FLOW = """
chain:
  - {id: first, run: echo hello}
  - id: both
    group:
      - {id: once, idempotent: false, run: echo once}
      - {id: shaky, run: 'exit 3', retry: {max: 1, delay: 0s}, on_error: continue}
      - {for: [1, 2], do: {run: 'echo ${{ item }}'}}
  - {id: last, run: echo bye}
"""


def pick(events, kind, nth=0, **like):
    """The nth event of a type, among those whose fields are as in like."""
    found = [raw for raw in events if raw.event.type == kind and
             all(getattr(raw.event, name) == want for name, want in like.items())]
    return found[nth]


def double(events, raw):
    events.insert(events.index(raw) + 1, raw.copy())


def again_at_the_end(events, raw, attempt=None):
    """A copy just before the run's end, later in time."""
    copy = raw.copy()
    if attempt:
        copy.set(6, attempt)
    end = next(i for i, e in enumerate(events) if e.event.type == "run_ended")
    newest = max(e.event.at_ns for e in events)
    copy.set(4, newest * 2)
    copy.set(2, max(e.event.steps for e in events))
    events.insert(end, copy)




MISTAKES = {
    "a second end of one attempt": ("I2", lambda e: double(e, pick(e, "ended"))),
    "a second verdict": ("I2", lambda e: double(e, pick(e, "node_ended"))),
    "one attempt dispatched twice": ("I2", lambda e: double(e, pick(e, "dispatched"))),
    "a finished step begins again":
        ("I2", lambda e: again_at_the_end(e, pick(e, "dispatched"), attempt=2)),
    "success without an end": ("I3", lambda e: e.remove(pick(e, "ended"))),
    "success of what was lost": ("I3", lambda e: pick(e, "ended").set_cause("lost")),
    "success of what failed": ("I3", lambda e: pick(e, "ended").set_exit(3)),
    "the next attempt before the end of the last":
        ("I3", lambda e: e.remove(pick(e, "ended", cause="exit"))),
    "an end without a beginning": ("I4", lambda e: e.remove(pick(e, "dispatched"))),
    "the end of an attempt that was given up":
        ("I4", lambda e: again_at_the_end(e, pick(e, "ended", cause="exit"))),
    "a log without its start": ("I5", lambda e: e.pop(0)),
    "a second start": ("I5", lambda e: double(e, e[0])),
    "time runs back": ("I5", lambda e: pick(e, "ended").set(4, 1)),
    "a verdict against a member's":
        ("I5", lambda e: [r.set(12, 0) for r in e if r.event.type == "node_ended" and
                          r.event.status == "failed"]),
    "the list and the log differ": ("I5", lambda e: e[-1].set_status("cancelled")),
    "an attempt without an end at the run's end":
        ("I6", lambda e: [e.remove(r) for r in list(e) if r.event.type == "ended" and
                          r.event.attempt == 2]),
    "something after the end": ("I7", lambda e: e.append(pick(e, "ended").copy())),
    "output that is not there": ("I1", lambda e: pick(e, "ended").set_file("spool", 10)),
    "the end is missing": ("I1", lambda e: e.pop()),
}


@pytest.mark.parametrize("what", MISTAKES)
def test_a_mistake_in_a_history_is_named(world, what):
    world.damaged = True
    invariant, change = MISTAKES[what]
    world.run(FLOW)
    assert check.judge(world.db)[0] == []
    doctor.operate(world.db, lambda events: None)
    assert check.judge(world.db)[0] == [], "taken apart and put together it is still sound"
    doctor.operate(world.db, change)
    found = check.judge(world.db)[0]
    assert invariant in {one[0] for one in found}, found


def test_what_is_not_idempotent_starts_once(world):
    world.damaged = True
    world.run("{idempotent: false, run: 'exit 1'}", code=1)
    assert check.judge(world.db)[0] == []

    def twice(events):
        end = events.index(pick(events, "ended"))
        for raw in (events[end], pick(events, "dispatched")):
            copy = raw.copy()
            copy.set(6, 2)
            events.insert(end + 1, copy)
    doctor.operate(world.db, twice)
    assert any(one[0] == "I2" and "started twice" in one[3] for one in check.judge(world.db)[0])


def spoil(world, *statements):
    world.damaged = True
    sql = sqlite3.connect(world.db)
    for statement in statements:
        sql.execute(statement)
    sql.commit()
    sql.close()


@pytest.mark.parametrize("invariant, statement", [
    ("I1", "UPDATE batches SET body = CAST(body || x'00' AS BLOB) WHERE rowid = (SELECT min(rowid) FROM batches)"),
    ("I1", "UPDATE batches SET hash = zeroblob(32)"),
    ("I1", "DELETE FROM batches WHERE rowid = (SELECT min(rowid) FROM batches)"),
    ("I1", "DELETE FROM batches WHERE rowid = (SELECT max(rowid) FROM batches)"),
    ("I1", "UPDATE plans SET bytes = substr(bytes, 1, 20)"),
    ("I1", "DELETE FROM plans"),
    ("I7", "INSERT INTO limit_holds VALUES ('db', 1, 'x')"),
    ("I7", "UPDATE runs SET id = 7"),
    ("I1", "DELETE FROM batches"),
    ("I5", "UPDATE runs SET ended_ms = 0"),
    ("I1", "INSERT INTO snapshots VALUES (1, 100000, x'00', x'00')"),
    ("I7", "INSERT INTO snapshots VALUES (77, 1, x'00', x'00')"),
    ("I7", "INSERT INTO inbox (run, kind, name, body, who, at_ms) VALUES (77, 'signal', 's', 'true', 'me', 1)"),
    ("I7", "INSERT INTO actors (run, name, definition, version, at_ms, state) VALUES (77, 'a', 'd', 1, 1, x'00')"),
    ("I7", "INSERT INTO recoveries VALUES (77, 1, 1)"),
])
def test_a_spoilt_database_is_named(world, invariant, statement):
    world.run(FLOW)
    spoil(world, statement)
    found = check.judge(world.db)[0]
    assert invariant in {one[0] for one in found}, found


def test_a_signal_is_taken_once(world):
    world.damaged = True
    process = world.start("run", world.write("wait: go"))
    world("signal", world.last_run(), "go", "true", code=0)
    world.end(process, code=0)
    assert check.judge(world.db)[0] == []
    doctor.operate(world.db, lambda events: double(events, pick(events, "signal")))
    assert any(one[0] == "I2" and "was taken before" in one[3] for one in check.judge(world.db)[0])


def test_what_was_acknowledged_must_be_there(world):
    run = world.run(FLOW)["run"]
    last = check.judge(world.db)[2]
    assert check.judge(world.db, {run: last})[0] == []
    assert check.judge(world.db, {run: last + 1})[0][0][0] == "I1"
    assert check.judge(world.db, {"nobody": 1})[0][0][0] == "I1"


def test_a_process_that_outlives_its_run_is_named(world):
    run = world.run(FLOW)["run"]
    assert check.judge(world.db, processes=True)[0] == []
    import subprocess
    with subprocess.Popen(["sleep", "600"], env={"ACTANT_RUN_ID": run, "PATH": "/bin:/usr/bin"}) as left:
        try:
            found = world.wait("the process", lambda: check.judge(world.db, processes=True)[0])
            assert found[0][0] == "I6", found
        finally:
            left.kill()

"""history verify: 0, or 1 naming the sequence number, whatever was changed."""

import hashlib
import json
import os
import sqlite3

import pytest

FLOW = "chain:\n- {id: a, run: echo one}\n- {id: big, run: seq 1 40000}\n- {id: c, run: 'wc -c'}\n"

DAMAGE = {
    "a byte of a body": ("UPDATE batches SET body = CAST(replace(CAST(body AS TEXT), 'one', 'two') AS BLOB)", None),
    "a hash": ("UPDATE batches SET hash = zeroblob(32) WHERE position = (SELECT max(position) FROM batches)", "last"),
    "a short hash": ("UPDATE batches SET hash = x'00' WHERE position = (SELECT min(position) FROM batches)", "first"),
    "a count": ("UPDATE batches SET count = count + 1 WHERE position = (SELECT max(position) FROM batches)", "last"),
    "a position": ("UPDATE batches SET position = position + 1 WHERE position = (SELECT max(position) FROM batches)",
                   "last"),
    "a batch in the middle": ("DELETE FROM batches WHERE position = (SELECT position FROM batches LIMIT 1 OFFSET 1)",
                              "second"),
    "the last batch": ("DELETE FROM batches WHERE position = (SELECT max(position) FROM batches)", "last"),
    "all": ("DELETE FROM batches", "first"),
    "the plan": ("UPDATE plans SET bytes = CAST(replace(CAST(bytes AS TEXT), 'one', 'two') AS BLOB)", None),
    "the plan's hash": ("UPDATE runs SET plan_hash = 'x'", "first"),
    "the status": ("UPDATE runs SET status = 'failed'", None),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_what_was_changed_is_found(world, what):
    run = world.json("run", world.write(FLOW))["run"]
    assert json.loads(world("history", "verify", run, "--json", code=0).out)["verified"] is True
    world.damaged = True
    statement, where = DAMAGE[what]
    sql = sqlite3.connect(world.db)
    starts = [p & (2**36 - 1) for p, in sql.execute("SELECT position FROM batches ORDER BY position")]
    assert len(starts) > 2
    sql.execute(statement)
    sql.commit()
    sql.close()
    done = world("history", "verify", run, "--json", code=1)
    told = json.loads(done.out)
    assert told["verified"] is False and told["run"] == run
    if what == "the plan":
        assert "plan" in told["problem"] and told["problem"] in done.err and told["seq"] == 1
        return
    assert str(told["seq"]) in done.err
    if where:
        assert told["seq"] == {"first": 1, "second": starts[1], "last": starts[-1]}[where], done.err


def test_an_output_that_is_gone_or_short(world):
    run = world.json("run", world.write(FLOW))["run"]
    spool = world.db.parent / "actant.db.d" / run / "spool"
    whole = spool.read_bytes()
    events = [json.loads(e) for e in world("history", "events", run, "--json").out.splitlines()]
    seq = next(e["seq"] for e in events if "file" in e.get("out", {}))
    spool.write_bytes(whole[:-1])
    assert json.loads(world("history", "verify", run, "--json", code=1).out)["seq"] == seq
    spool.unlink()
    done = world("history", "verify", run, code=1)
    assert f"event {seq}:" in done.err and "spool" in done.err
    spool.write_bytes(whole)
    world("history", "verify", run, code=0)


def test_of_a_run_that_has_not_ended_the_end_cannot_be_told(world):
    process = world.start("run", world.write("{run: 'touch up; exec sleep 300'}"))
    world.wait_file("up")
    assert "has not ended" in world("history", "verify", "last", code=0).out
    process.kill()
    process.wait()
    assert "has not ended" in world("history", "verify", "last", code=0).out
    assert "no run" in world("history", "verify", "zzz", code=2).err


def test_a_snapshot_that_is_not_what_the_log_comes_to(world):
    """Whole by its own hash, and yet of another state: verify folds the log and compares."""
    world.run("value: 1")
    # More than a megabyte of log, then something that waits.
    flow = world.write("chain:\n- {id: mark, value: one-of-these}\n- {id: x, value: '${{ join(range(11000)) }}'}\n"
                       "- while: loop.index < 80\n  do: {chain: [{value: '${{ nodes.x.result }}'}, {run: 'true'}]}\n"
                       "- {run: 'touch up; exec sleep 300'}\n")
    process = world.start("run", flow)
    world.wait_file("up")
    run = world.last_run()
    process.kill()
    process.wait()
    world("history", "verify", run, code=0)
    sql = sqlite3.connect(world.db)
    seq, body = sql.execute("SELECT seq, body FROM snapshots").fetchone()
    assert b"one-of-these" in body
    other = body.replace(b"one-of-these", b"two-of-these")
    base = sql.execute("SELECT id FROM runs WHERE run = ?", (run,)).fetchone()[0] << 36
    chain, = sql.execute("SELECT hash FROM batches WHERE position BETWEEN ? AND ? ORDER BY position DESC LIMIT 1",
                         (base, base + seq)).fetchone()
    sql.execute("UPDATE snapshots SET body = ?, hash = ?", (other, hashlib.sha256(chain + other).digest()))
    sql.commit()
    sql.close()
    done = world("history", "verify", run, "--json", code=1)
    told = json.loads(done.out)
    assert told["verified"] is False and told["seq"] == seq
    assert "the snapshot after it is not what the log comes to" in done.err and "the log itself is whole" in done.err
    # One that is damaged is none: it is a cache.
    sql = sqlite3.connect(world.db)
    sql.execute("UPDATE snapshots SET body = ?", (body[:-1],))
    sql.commit()
    sql.close()
    world("history", "verify", run, code=0)


LARGE = {
    "text": ("seq 100000", "text"),
    "lines": ("seq 100000", "lines"),
    "json": ("echo [; seq 100000 | tr '\\n' ,; echo 1]", "json"),
}


@pytest.mark.parametrize("how", ("shorter", "missing"))
@pytest.mark.parametrize("what", sorted(LARGE))
def test_a_damaged_output_is_null_and_said(world, what, how):
    command, mode = LARGE[what]
    flow = f"chain:\n- {{id: other, run: echo whole}}\n- {{id: big, output: {mode}, run: {json.dumps(command)}}}\n"
    assert world.run(flow)["result"]
    world.damaged = True
    (file,) = [p for p in (world.db.parent / "actant.db.d").glob("*/*") if p.stat().st_size > 300000]
    if how == "missing":
        file.unlink()
    else:
        os.truncate(file, 300000)
    for verb in (("history", "show", "last"), ("history", "diff", "last", "last")):
        done = world(*verb, "--json", code=3)
        nodes = json.loads(done.out)["nodes"]
        side = [n["a"] if "a" in n else n for n in nodes if n.get("id", n.get("node")) == "big"]
        assert [n["result"] for n in side] == [None]
        assert "result of node chain[1]" in done.err, done.err
        assert "result of node chain[1]" in world(*verb, code=3).err
    shown = json.loads(world("history", "show", "last", "--json").out)
    assert shown["result"] is None and shown["nodes"][1]["result"] == "whole"
    done, text = world("resume", "last", "--json", code=3), world("resume", "last", code=3)
    if mode == "json":  # what was JSON when it ended is read again by replay, which stops there
        assert done.out == "" and "replayed" in done.err
    else:
        assert json.loads(done.out)["result"] is None
        assert "result of the run" in done.err and "result of the run" in text.err

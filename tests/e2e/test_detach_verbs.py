"""resume, retry, rerun and fork in the background: as in the foreground, and what a keeper then keeps."""

import json
import os
import signal

import pytest

from test_detach import Detached, gate, kill_all, lines, open_gate


class Taken(Detached):
    """A run that a verb has sent to the background."""

    def __init__(self, world, *words, **more):
        self.world = world
        self.run = world.json(*words, "--detach", **more)["run"]


@pytest.fixture
def away(world):
    runs = []

    def start(*words, **more):
        runs.append(Taken(world, *words, **more))
        return runs[-1]
    yield start
    for run in runs:
        kill_all(run.run)


def suspended(world, text, file, *args):
    process = world.start("run", world.write(text), *args)
    world.wait_line(file)
    process.send_signal(signal.SIGTERM)
    world.end(process, 143)
    return world.last_run()


def test_resume(world, away):
    text = (f"chain:\n- run: echo x >> a\n- run: echo x >> b; [ $(wc -l < b) -gt 1 ] || {gate('never')}\n"
            f"- run: echo x >> c; {gate('g')}; echo well\n")
    first = suspended(world, text, "b")
    run = away("resume", first)
    assert run.run == first
    world.wait_line("c")
    run.kill_coordinator()  # the keeper keeps what it was given
    open_gate(world, "g")
    assert run.end()["result"] == "well"
    assert (lines(world, "a"), lines(world, "b"), lines(world, "c")) == (["x"], ["x", "x"], ["x"])
    world("history", "verify", first, code=0)
    document = world.json("resume", first, "--detach")  # has ended: it is told
    assert document["status"] == "succeeded" and document["run"] == first


def test_resume_says_in_words_where_it_is(world, away):
    first = suspended(world, f"run: echo x >> a; [ $(wc -l < a) -gt 1 ] || {gate('never')}\n", "a")
    out = world("run", "--resume", first, "--detach", code=0).out
    assert f"run {first} goes on in the background" in out and "actant attach" in out
    world("attach", first, code=0)


def test_resume_of_a_run_whose_keeper_died_takes_proven_ends(world, away):
    text = f"""
group:
  - {{run: "echo x >> ended; {gate('g1')}; echo before; exit 7", on_error: continue}}
  - {{run: "echo x >> again; [ $(wc -l < again) -gt 1 ] || sleep 600; echo after"}}
"""
    run = away("run", world.write(text), "-j", "4")
    world.wait_line("ended")
    world.wait_line("again")
    keeper, coordinator = run.keeper(), run.coordinator()
    os.kill(coordinator, signal.SIGSTOP)
    open_gate(world, "g1")
    ends = world.db.parent / "actant.db.d" / run.run / "ends"
    world.wait("the end on disk", lambda: ends.stat().st_size > 0)
    os.kill(keeper, signal.SIGKILL)
    os.kill(coordinator, signal.SIGKILL)
    run.gone()
    again = away("resume", run.run)
    assert again.end()["status"] == "succeeded"
    assert lines(world, "ended") == ["x"] and lines(world, "again") == ["x", "x"]
    assert again.node("group[0]")["exit_code"] == 7 and not ends.exists()
    world("history", "verify", run.run, code=0)


def test_a_resume_that_fails_leaves_the_proof(world, away):
    run = away("run", world.write(f"run: echo x >> a; {gate('g')}; echo well\n"))
    world.wait_line("a")
    keeper, coordinator = run.keeper(), run.coordinator()
    os.kill(coordinator, signal.SIGSTOP)
    open_gate(world, "g")
    ends = world.db.parent / "actant.db.d" / run.run / "ends"
    world.wait("the end on disk", lambda: ends.stat().st_size > 0)
    os.kill(keeper, signal.SIGKILL)
    os.kill(coordinator, signal.SIGKILL)
    run.gone()
    import sqlite3
    with sqlite3.connect(world.db, timeout=60) as db:
        db.execute("INSERT OR REPLACE INTO recoveries SELECT id, 2, 0 FROM runs WHERE run = ?", [run.run])
    db.close()
    assert "quarantined" in world("resume", run.run, "--detach", code=3).err
    run.gone()
    assert ends.stat().st_size > 0
    assert away("resume", run.run, "--quarantined").end()["result"] == "well"
    assert lines(world, "a") == ["x"]


def test_retry(world, away):
    text = f"chain:\n- run: echo x >> a\n- {{id: b, run: 'echo x >> b; test -e ok; {gate('g')}; echo well'}}\n"
    first = world.run(text, code=1)["run"]
    open_gate(world, "ok")
    run = away("retry", first)
    assert run.run == first
    world.wait("the retry", lambda: len(lines(world, "b")) == 2)
    run.kill_coordinator()
    assert "is being run" in world("retry", first, "--detach", code=3).err
    open_gate(world, "g")
    assert run.end()["result"] == "well" and lines(world, "a") == ["x"] and len(lines(world, "b")) == 2
    assert "nothing to retry" in world("retry", first, "--detach", code=2).err
    again = away("retry", first, "--from", "b")
    assert again.end()["result"] == "well" and len(lines(world, "b")) == 3 and lines(world, "a") == ["x"]
    assert "no node" in world("retry", first, "--from", "nothing", "--detach", code=2).err
    world("history", "verify", first, code=0)


def test_rerun_has_the_old_spec(world, away):
    first = world.run("params: {n: {type: integer}}\nvalue: '${{ params.n }}'\n", "-p", "n=7")["run"]
    world.write("value: 8")
    run = away("rerun", first)
    shown = run.end()
    assert run.run != first and shown["result"] == 7 and shown["from"] == {"run": first, "node": None}


def test_fork(world, away):
    text = (f"chain:\n- {{id: a, run: 'echo x >> a; seq 1 40000'}}\n- {{id: b, run: 'echo x >> b; {gate('g')}; wc -l'}}\n")
    open_gate(world, "g")
    first = world.run(text)["run"]
    (world.path / "g").unlink()
    run = away("fork", first, "--from", "b")
    world.wait("the fork", lambda: len(lines(world, "b")) == 2)
    run.kill_coordinator()
    world("history", "gc", "--keep", "0", code=0)  # it stands by itself
    open_gate(world, "g")
    shown = run.end()
    assert shown["result"].strip() == "40000" and lines(world, "a") == ["x"]
    assert shown["from"] == {"run": first, "node": "b"}
    assert world("logs", run.run, "a", code=0).out.count("\n") == 40000
    world("history", "verify", run.run, code=0)
    assert "no node" in world("fork", run.run, "--from", "nothing", "--detach", code=2).err


def test_what_does_not_go_with_it(world):
    first = world.run("chain: [{id: only, run: 'false'}]", code=1)["run"]
    for words in (["retry", first], ["resume", first], ["rerun", first], ["fork", first, "--from", "only"]):
        done = world(*words, "--detach", "--junit", "x.xml", code=2)
        assert "do not go together" in done.err, words
    assert len(world.json("history", "list")["runs"]) == 1


@pytest.mark.parametrize("way", ["environment", "file"])
def test_a_report_that_is_a_setting_is_left_out(world, way):
    env = {"ACTANT_JUNIT": "x.xml"} if way == "environment" else {}
    if way == "file":
        world.write('junit = "x.xml"\n', "actant.toml")
    flow = world.write("run: echo well")
    done = world("run", flow, "--detach", "--json", env=env, code=0)
    assert done.err.count("warning") == 1 and "JUnit" in done.err
    run = json.loads(done.out)["run"]
    world.wait("its end", lambda: world.show(run)["status"] == "succeeded")
    assert not (world.path / "x.xml").exists()
    assert world.json("attach", run, env=env)["result"] == "well"
    assert (world.path / "x.xml").exists()  # who waits for the end, writes it
    (world.path / "x.xml").unlink()
    assert "do not go together" in world("run", flow, "--detach", "--junit", "y.xml", env=env, code=2).err
    world("run", flow, env=env, code=0)
    assert (world.path / "x.xml").exists()


def test_secrets_are_asked_for_again(world, away):
    secret = {"ACTANT_SECRET_TOKEN": "hunter2hunter2"}
    text = "run: 'test -e ok; echo ${#T}'\nenv: {T: '${{ secrets.TOKEN }}'}\n"
    first = world.run(text, code=1, env=secret)["run"]
    open_gate(world, "ok")
    assert "TOKEN" in world("retry", first, "--detach", code=2).err
    assert away("retry", first, env=secret).end()["result"] == "14"


def test_options_of_the_verb_count(world, away):
    first = suspended(world, f"run: 'echo x >> a; [ $(wc -l < a) -gt 1 ] || {gate('never')}; echo ${{WHO:-nobody}}'\n",
                      "a", "--clean-env")
    run = away("resume", first, "--env", "WHO", "--events", "told", env={"WHO": "me"})
    assert run.end()["result"] == "me"
    world.wait("its events", lambda: "run_ended" in (world.path / "told").read_text())

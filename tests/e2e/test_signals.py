"""Named signals and approvals from other processes, while the run lives and while nobody lives."""

import json

import pytest

WAITS = "chain:\n- {id: go, wait: go}\n- value: ${{ prev }}\n"
APPROVE = "chain:\n- {id: ok, wait: ship, approve: [me]}\n- {run: echo shipped}\n"


def parked(world, name):
    def found():
        done = world("history", "show", "last", "--json")
        nodes = json.loads(done.out)["nodes"] if done.returncode == 0 else []
        return any(n["id"] == name and n["status"] == "parked" for n in nodes)
    world.wait(f"{name} waits", found)


def test_a_signal_while_the_run_lives(world):
    process = world.start("run", world.write(WAITS), "--json")
    parked(world, "go")
    world("signal", "last", "go", '{"x": [1, "é"]}', code=0)
    assert json.loads(world.end(process, 0)[0])["result"] == {"x": [1, "é"]}


def test_a_signal_while_nobody_lives(world):
    process = world.start("run", world.write(WAITS))
    parked(world, "go")
    process.kill()
    world.end(process)
    sent = world("signal", "last", "go", "7", code=0)
    assert "interrupted" in sent.out and "actant resume" in sent.out
    assert world.json("resume", "last")["result"] == 7
    assert "has ended" in world("signal", "last", "go", code=2).err


def test_one_signal_is_taken_once(world):
    process = world.start("run", world.write("chain:\n- {id: a, wait: go}\n- {id: b, wait: go}\n"
                                             "- value: ['${{ nodes.a.result }}', '${{ nodes.b.result }}']\n"),
                          "--json")
    parked(world, "a")
    world("signal", "last", "go", "1", code=0)
    parked(world, "b")
    world("signal", "last", "go", "2", code=0)
    assert json.loads(world.end(process, 0)[0])["result"] == [1, 2]


@pytest.mark.parametrize("answer, code", [("true", 0), ("false", 1)])
def test_an_approval(world, answer, code):
    process = world.start("run", world.write(APPROVE), "--json")
    parked(world, "ok")
    world("signal", "last", "ship", answer, code=0)
    doc = json.loads(world.end(process, code)[0])
    if code:
        assert doc["error"]["cause"] == "rejected"
    else:
        assert doc["result"] == "shipped"


def test_the_plain_view_says_how_to_signal(world):
    process = world.start("run", world.write(WAITS))
    parked(world, "go")
    run = world.last_run()
    world("signal", run, "go", "true", code=0)
    _, err = world.end(process, 0)
    assert f"actant signal {run} go true" in err


def test_a_wait_expires(world):
    doc = world.run("{wait: never, timeout: 100ms}", code=1)
    assert doc["error"]["cause"] == "expired"


def test_unknown_runs(world):
    world.run("value: 1")
    for command in (["signal", "zzz", "x"], ["cancel", "zzz"], ["resume", "zzz"], ["logs", "zzz"],
                    ["explain", "zzz", "a"], ["history", "show", "zzz"], ["rerun", "zzz"]):
        done = world(*command, code=2)
        assert "no run" in done.err and "history list" in done.err

"""Actors that are of plugins: what test_call.py says of Python's, for those written in C."""

import os

import pytest

from test_plugin import CC, build

pytestmark = pytest.mark.skipif(not CC, reason="no C compiler")
ONE = "actors: {tally: {plugin: 'tally:tally'}}\n"


@pytest.fixture
def tally(world):
    build(world, "tally", "plugins", None, "-std=gnu11")
    return world


def test_parallel_calls_lose_nothing(tally):
    doc = tally.run(ONE + "for: ${{ range(200) }}\ndo: {call: tally.add, with: {by: 2}}\n", "-j", 6)
    assert doc["result"] == list(range(2, 402, 2))


def test_arguments_are_those_of_its_schema(tally):
    doc = tally.run("""
actors: {tally: {plugin: 'tally:tally', with: {start: 10}}}
chain:
  - {call: tally.add}
  - {call: tally.add, args: [5]}
  - {id: wrong, call: tally.add, with: {by: "${{ 'many' }}"}, on_error: continue}
  - {call: tally.get}
""")
    assert doc["result"] == 16
    assert "by" in tally.node("wrong")["error"]["message"]


@pytest.mark.parametrize("call, said", [
    ("{call: t.add, with: {by: many}}", "argument 'by' of the method 't.add'"),
    ("{call: t.add, args: [1, 2]}", "takes 1 argument and is given 2"),
    ("{call: t.add, with: {bye: 1}}", "did you mean 'by'?"),
    ("{call: t.ad}", "the actor 'tally' has no method 'ad'"),
])
def test_constant_arguments_are_checked_before_anything_runs(tally, call, said):
    path = tally.write("actors: {t: {plugin: 'tally:tally'}}\nchain:\n  - run: touch ran\n  - " + call + "\n")
    done = tally("run", path, code=2)
    assert said in done.err
    assert not (tally.path / "ran").exists()


def test_its_process_dies_between_calls_and_while_asked(tally):
    doc = tally.run(ONE + """
chain:
  - {id: one, call: tally.pid}
  - 'kill -9 ${{ prev }}; while kill -0 ${{ prev }} 2>/dev/null; do sleep 0.01; done'
  - {id: two, call: tally.pid, with: {}}
  - {id: dies, call: tally.crash, with: {}, on_error: continue}
  - {call: tally.get}
outputs: {pids: ['${{ nodes.one.result }}', '${{ nodes.two.result }}']}
""")
    assert doc["result"] == 2
    assert len(set(doc["outputs"]["pids"])) == 2
    # A sanitizer's handler turns the signal into an exit of its own.
    kind = "exit" if os.environ.get("ACT_SANITIZE") else "signal"
    assert tally.node("dies")["cause"]["kind"] == kind


def test_a_method_that_fails_leaves_the_state_as_it_was(tally):
    doc = tally.run(ONE + """
chain:
  - {call: tally.add, with: {by: 3}}
  - {id: refused, call: tally.refuse, with: {}, on_error: continue}
  - {call: tally.get}
""")
    assert doc["result"] == 3
    error = tally.node("refused")["error"]
    assert (error["type"], error["message"]) == ("Refused", "no more")


@pytest.mark.parametrize("flow, words", [
    ("actors: {t: {plugin: 'tally:tally', with: {start: -1}}}\ncall: t.get",
     "the constructor of actor 't' (tally:tally) failed: it cannot start below zero"),
    ("actors: {t: {plugin: 'tally:tally', with: {start: x}}}\ncall: t.get",
     "the constructor of actor 't' (tally:tally) failed:"),
    ("actors: {t: {plugin: 'tally:taly'}}\ncall: t.get", "has no actor 'taly'; it has: tally"),
    ("actors: {t: {plugin: 'taly:tally'}}\ncall: t.get", "taly"),
])
def test_what_is_not_there(tally, flow, words):
    assert words in tally.run(flow, code=1)["error"]["message"]


def test_actant_dies_in_the_middle(tally):
    tally.write(ONE + """
chain:
  - for: ${{ range(60) }}
    do: {call: tally.add, with: {by: 1}}
  - touch half
  - {wait: go}
  - for: ${{ range(60) }}
    do: {call: tally.add, with: {by: 1}}
  - {call: tally.get}
""")
    process = tally.start("run", "flow.yaml")
    tally.wait_file("half")
    process.kill()
    process.wait()
    tally("signal", "last", "go", code=0)
    assert tally.json("resume", "last")["result"] == 120


def test_global(tally):
    flow = "actors: {t: {plugin: 'tally:tally', scope: global}}\ncall: t.add\n"
    assert [tally.run(flow)["result"] for _ in range(3)] == [1, 2, 3]

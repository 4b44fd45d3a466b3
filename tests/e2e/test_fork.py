"""fork --from: a new run that has what came before NODE from another one. Each case is compared with what a
fresh run gives, and with what each task wrote down when it ran."""

import json
import signal

import pytest

CHAIN = """
name: chain
chain:
- {id: a, run: 'echo a >> log; echo one'}
- id: g
  group:
  - {id: g1, run: 'echo g1 >> log; echo gone'}
  - {id: g2, run: 'echo g2 >> log; seq 1 20000'}
- {id: b, run: 'echo b >> log; wc -c'}
- {id: c, run: 'echo c >> log; echo ${{ nodes.g1.result }} ${{ nodes.a.result }} "$(wc -c < /dev/null)"'}
"""


def log(world):
    path = world.path / "log"
    text = path.read_text().split() if path.exists() else []
    path.write_text("")
    return text


def sound(world, run):
    """The new run stands by itself: its log replays, and each part of it can be asked for."""
    world("history", "verify", run, code=0)
    for node in world.show(run)["nodes"]:
        if node["path"]:
            world("explain", run, node["path"], code=0)


def same(world, flow, node, anew, *args, code=0):
    """Forks a run of flow from node, and the fork once more; gives the first fork's document."""
    first = world.json("run", world.write(flow), *args, code=code)
    log(world)
    fork = world.json("fork", first["run"], "--from", node, code=code)
    assert sorted(log(world)) == sorted(anew)
    assert fork["run"] != first["run"]
    assert fork["from"] == {"run": first["run"], "node": node}
    for key in ("workflow", "status", "result", "outputs", "tolerated", "error"):
        assert fork[key] == first[key], key
    assert fork["spec"] == first["spec"]
    again = world.json("fork", fork["run"], "--from", node, code=code)
    assert sorted(log(world)) == sorted(anew)
    assert again["result"] == first["result"] and again["from"]["run"] == fork["run"]
    old = {n["path"]: n for n in world.show(first["run"])["nodes"]}
    for run in (fork["run"], again["run"]):
        new = {n["path"]: n for n in world.show(run)["nodes"]}
        assert {p: n["status"] for p, n in new.items()} == {p: n["status"] for p, n in old.items()}
        assert {p: n["result"] for p, n in new.items()} == {p: n["result"] for p, n in old.items()}
        sound(world, run)
    return fork


def test_a_chain_goes_on_from_the_middle(world):
    doc = same(world, CHAIN, "b", ["b", "c"])
    reused = {n["id"] for n in world.show(doc["run"])["nodes"] if n.get("reused")}
    assert reused == {"a", "g", "g1", "g2"}
    assert world("logs", doc["run"], "a", code=0).out == "one\n"
    assert world("logs", doc["run"], "g2", code=0).out.count("\n") == 20000
    assert "fork of run" in world("history", "show", doc["run"], code=0).out
    assert "a: reused" in world("fork", doc["run"], "--from", "c", code=0).err


def test_what_is_reused_outlives_the_run_that_it_came_from(world):
    first = world.json("run", world.write(CHAIN))
    fork = world.json("fork", first["run"], "--from", "b")
    assert world.json("history", "gc", "--keep", "1")["removed"] == [first["run"]]
    assert world("logs", fork["run"], "g2", code=0).out.count("\n") == 20000
    assert len({n["id"]: n for n in world.show(fork["run"])["nodes"]}["g2"]["result"]) > 65536
    sound(world, fork["run"])
    again = world.json("fork", fork["run"], "--from", "b")
    assert again["result"] == first["result"]
    assert len(log(world)) == 5 + 2 + 2


@pytest.mark.parametrize("node, anew", [
    ("a", "a b d"), ("b", "b d"), ("c", "c"), ("d", "d"), ("e", "e"), ("x", "x y")])
def test_a_dag_runs_what_needs_the_node(world, node, anew):
    same(world, "name: d\ndag:\n" + "".join(
        f"  {i}: {{needs: {n}, run: 'echo {i} >> log; echo {i}'}}\n" for i, n in
        [("a", "[]"), ("b", "[a]"), ("c", "[]"), ("d", "[b, c]"), ("e", "{d: succeeded}"),
         ("x", "[]"), ("y", "[x]")]), node,
        {"a": "a b d e", "b": "b d e", "c": "c d e", "d": "d e"}.get(node, anew).split())


def test_a_reaction_keeps_what_it_reacts_to(world):
    flow = "dag:\n  a: {run: 'echo a >> log; exit 3'}\n  b: {needs: {a: failed}, run: 'echo b >> log; echo b'}\n"
    doc = same(world, flow, "b", ["b"], code=1)
    assert doc["error"]["causes"][0]["node"] == "a"


@pytest.mark.parametrize("node, anew", [
    ("do[1]", ["i1"]), ("group[0]", ["m0"]), ("m1", ["m1"]), ("x[do[0]]", None)])
def test_members_beside_it_are_reused(world, node, anew):
    if anew is None:
        first = world.run("value: 1")
        assert "no node" in world("fork", first["run"], "--from", node, code=2).err
        return
    boxes = {"do[1]": "for: [0, 1, 2]\ndo: {run: 'echo i${{ item }} >> log; echo ${{ item }}'}\n",
             "group[0]": "group:\n- run: echo m0 >> log; echo zero\n- {id: m1, run: echo m1 >> log}\n"}
    same(world, "name: m\n" + (boxes.get(node) or boxes["group[0]"]), node, anew)


@pytest.mark.parametrize("node, anew", [("do[1]", ["i1", "m0", "m1"]), ("group[0]", ["m0"]),
                                        ("do[0].then", None)])
def test_the_end_of_a_path_names_a_node(world, node, anew):
    flow = """
name: m
chain:
- for: [0, 1, 2]
  do: {run: 'echo i${{ item }} >> log'}
- group: [echo m0 >> log, echo m1 >> log]
"""
    if anew:
        same(world, flow, node, anew)
        return
    first = world.run(flow)["run"]
    assert "no node" in world("fork", first, "--from", node, code=2).err
    several = world("fork", first, "--from", "[1]", code=2).err
    assert "names 2 instances" not in several and "names 3 instances" in several
    assert "chain[0].do[1]" in several and "chain[1].group[1]" in several


def test_a_fork_from_the_workflow_itself_runs_all_of_it(world):
    flow = "name: m\nchain:\n- {id: a, run: echo a >> log}\n- {id: b, run: echo b >> log}\n"
    same(world, flow, "m", ["a", "b"])


def test_matrix_members_and_a_node_in_one(world):
    flow = """
name: m
matrix: {x: [a, b], y: [1, 2]}
do:
  chain:
  - {id: p, run: 'echo p${{ matrix.x }}${{ matrix.y }} >> log; echo ${{ matrix.x }}'}
  - {id: q, run: 'echo q${{ matrix.x }}${{ matrix.y }} >> log; cat'}
"""
    same(world, flow, "do[2].chain[1]", ["qb1"])
    first = world.json("run", world.write(flow))
    done = world("fork", first["run"], "--from", "q", code=2)
    assert "names 4 instances" in done.err and "do[0].chain[1]" in done.err


def test_earlier_turns_of_a_loop_are_reused(world):
    flow = """
name: turns
until: ${{ nodes.n.result == '5' }}
do:
  chain:
  - {id: n, run: 'echo n${{ loop.index }} >> log; echo ${{ loop.index + 1 }}'}
  - {id: t, run: 'echo t${{ loop.index }} >> log; cat'}
"""
    same(world, flow, "do[2].chain[1]", ["t2", "n3", "t3", "n4", "t4"])
    same(world, flow.replace("until: ${{ nodes.n.result == '5' }}", "while: ${{ loop.index < 4 }}"),
         "do[1]", ["n1", "t1", "n2", "t2", "n3", "t3"])


@pytest.mark.parametrize("node, anew", [("body", ["body", "catch", "finally"]),
                                        ("caught", ["catch", "finally"]), ("last", ["finally"])])
def test_the_parts_of_a_try(world, node, anew):
    flow = """
name: t
chain:
- try: {id: body, run: 'echo body >> log; exit 3'}
  catch: {id: caught, run: 'echo catch >> log; echo ${{ error.exit_code }}'}
  finally: {id: last, run: 'echo finally >> log'}
"""
    assert same(world, flow, node, anew)["result"] == "3"


@pytest.mark.parametrize("node, anew", [("m1", ["m1", "then"]), ("then", ["then"])])
def test_a_chord(world, node, anew):
    flow = """
name: c
chord:
  group: [{id: m0, run: 'echo m0 >> log; echo 0'}, {id: m1, run: 'echo m1 >> log; echo 1'}]
  then: {id: then, run: 'echo then >> log; cat'}
"""
    assert same(world, flow, node, anew)["result"] == '["0","1"]'


def test_a_race_begins_anew_and_a_branch_is_kept(world):
    flow = """
name: r
chain:
- if: ${{ now() != '' }}
  then:
    race:
    - {id: fast, run: 'echo fast >> log; echo fast'}
    - {id: slow, run: 'echo slow >> log; exec sleep 300'}
- {id: end, run: 'echo end >> log; cat'}
"""
    same(world, flow, "end", ["end"])
    first = world.json("run", world.write(flow), "-j", "4")
    log(world)
    fork = world.json("fork", first["run"], "--from", "fast", "-j", "4")
    assert fork["result"] == "fast" and set(log(world)) >= {"fast", "end"}


def test_calls_and_files_of_their_own(world):
    (world.path / "sub.yaml").write_text("""
params: {n: {type: integer}}
chain:
- {id: s1, run: 'echo s1 >> log; echo ${{ params.n + 1 }}'}
- {id: s2, run: 'echo s2 >> log; cat'}
outputs: {N: '${{ prev }}'}
""")
    flow = """
name: calls
tasks:
  twice:
    params: {x: {type: string}}
    chain: [{id: t1, run: 'echo t1 >> log; echo ${{ params.x }}'}, {id: t2, run: 'echo t2 >> log; cat; cat'}]
chain:
- {id: w, workflow: sub.yaml, with: {n: 4}}
- {id: t, task: twice, with: {x: '${{ nodes.w.outputs.N }}'}}
- {id: end, run: 'echo end >> log; cat'}
"""
    same(world, flow, "end", ["end"])
    same(world, flow, "t", ["t1", "t2", "end"])
    same(world, flow, "w", ["s1", "s2", "t1", "t2", "end"])
    first = world.json("run", world.write(flow))
    paths = [n["path"] for n in world.show(first["run"])["nodes"] if n["id"] == "s2"]
    same(world, flow, paths[0], ["s2", "t1", "t2", "end"])


def test_a_failed_run_is_forked_before_its_failure(world):
    flow = """
dag:
  a: {run: 'echo a >> log; echo a'}
  b: {needs: [a], run: 'echo b >> log; test -e ok; echo b'}
  c: {needs: [b], run: 'echo c >> log; echo c'}
  other: {chain: [{id: o1, run: 'echo o1 >> log'}, {id: o2, run: 'echo o2 >> log; test -e ok'}]}
"""
    first = world.json("run", world.write(flow), code=1)
    log(world)
    (world.path / "ok").touch()
    fork = world.json("fork", first["run"], "--from", "b")
    assert fork["result"] == {"a": "a", "b": "b", "c": "c", "other": ""}
    assert sorted(log(world)) == ["b", "c", "o2"]  # what failed beside it, too, but not o1
    sound(world, fork["run"])
    assert world.show(first["run"])["status"] == "failed"
    assert "did not begin" in world("fork", first["run"], "--from", "c", code=2).err


def test_a_fork_fails_and_is_retried(world):
    flow = CHAIN.replace("echo c >> log;", "echo c >> log; test -e ok;")
    first = world.json("run", world.write(flow), code=1)
    fork = world.json("fork", first["run"], "--from", "b", code=1)
    log(world)
    (world.path / "ok").touch()
    doc = world.json("retry", fork["run"])
    assert doc["status"] == "succeeded" and log(world) == ["c"]
    world.json("retry", fork["run"], "--from", "g1")
    assert log(world) == ["g1", "b", "c"]
    sound(world, fork["run"])


def test_another_attempt_of_a_box_makes_all_of_it_anew(world):
    flow = """
retry: 1
chain:
- {id: a, run: 'echo a >> log'}
- {id: b, run: 'echo b >> log; test -e ok; touch half; test -e whole || { touch whole; exit 1; }'}
"""
    first = world.json("run", world.write(flow), code=1)
    log(world)
    (world.path / "ok").touch()
    world.json("fork", first["run"], "--from", "b")
    assert log(world) == ["b", "a", "b"]


def test_another_attempt_of_a_box_does_not_reuse_what_the_first_did_not_come_to(world):
    flow = """
retry: 1
parallel: 1
fail_fast: true
group:
- {id: n, run: 'echo n >> log; test ! -e bad || { rm bad; exit 1; }'}
- {id: x, run: 'echo x >> log'}
"""
    first = world.json("run", world.write(flow))
    log(world)
    (world.path / "bad").touch()
    world.json("fork", first["run"], "--from", "n")
    assert log(world) == ["n", "n", "x"]


def test_what_was_undone_is_done_again(world):
    flow = """
chain:
- {id: a, run: 'echo a >> log; echo ${{ env.HOME }}', undo: {run: 'echo undo-a >> log; cat >> log'}}
- {id: b, run: 'echo b >> log; echo b'}
- {id: c, run: 'echo c >> log; test -e ok'}
"""
    first = world.json("run", world.write(flow), code=1)
    log(world)
    (world.path / "ok").touch()
    world.json("fork", first["run"], "--from", "c")
    assert log(world) == ["a", "c"]


def test_what_is_reused_can_be_undone(world):
    flow = """
chain:
- for: [x, y]
  env: {W: 'w-${{ prev }}'}
  do: {run: 'echo ${{ item }} >> log; echo r-${{ item }}', env: {V: 'v-${{ item }}'},
       undo: {run: 'echo "undo:$(cat):$V:$W" >> log'}}
- {id: b, run: 'echo b >> log; test ! -e bad'}
"""
    first = world.json("run", world.write(flow))
    log(world)
    (world.path / "bad").touch()
    fork = world.json("fork", first["run"], "--from", "b", code=1)
    text = log(world)
    assert text[0] == "b" and sorted(text[1:]) == ["undo:r-x:v-x:w-", "undo:r-y:v-y:w-"]
    world("history", "verify", fork["run"], code=0)


def test_outputs_params_and_environment_are_those_of_the_run(world):
    flow = """
name: o
params: {x: {type: string}}
chain:
- {id: a, run: 'echo n=${{ params.x }} >> $ACTANT_OUTPUT; echo a >> log'}
- {id: b, run: 'echo b >> log; echo ${{ nodes.a.outputs.n }} ${{ env.WHO }}', env: {X: 1}}
outputs: {all: '${{ nodes.b.result }}'}
"""
    first = world.json("run", world.write(flow), "-p", "x=5", env={"WHO": "me"})
    fork = world.json("fork", first["run"], "--from", "b", env={"WHO": "you"})
    assert first["outputs"] == fork["outputs"] == {"all": "5 me"}


def test_signals_that_nobody_had_taken_are_there(world):
    flow = """
name: s
chain:
- {signal: go, with: 7}
- {signal: go, with: 8}
- {wait: go}
- {id: b, run: 'echo b >> log'}
- {wait: go, timeout: 60s}
"""
    assert same(world, flow, "b", ["b"])["result"] == 8


def test_a_run_that_is_under_way_is_forked(world):
    flow = world.write("chain:\n- {id: a, run: 'echo a >> log; echo out'}\n"
                       "- {id: b, run: 'echo b >> log; test -e ok && exec cat; touch up; exec sleep 300'}\n")
    process = world.start("run", flow)
    world.wait_file("up")
    run = world.last_run()
    (world.path / "ok").touch()
    fork = world.json("fork", run, "--from", "b")
    assert fork["result"] == "out" and log(world) == ["a", "b", "b"]
    process.send_signal(signal.SIGINT)
    world.end(process, 130)
    suspended = world.json("fork", run, "--from", "b")  # and one that is suspended
    assert suspended["result"] == "out" and log(world) == ["b"]
    world("history", "verify", suspended["run"], code=0)


def test_a_cancelled_run_is_forked(world):
    flow = world.write("chain:\n- {id: a, run: 'echo a >> log; echo out'}\n"
                       "- {id: b, run: 'echo b >> log; test -e ok && exec cat; touch up; exec sleep 300'}\n")
    process = world.start("run", flow)
    world.wait_file("up")
    run = world.last_run()
    world("cancel", run)
    world.end(process, 4)
    (world.path / "ok").touch()
    assert world.json("fork", run, "--from", "b")["result"] == "out"
    assert log(world) == ["a", "b", "b"]


def test_a_fork_is_resumed_after_a_crash(world):
    flow = CHAIN.replace("echo c >> log;", "echo c >> log; touch up; test -e ok || exec sleep 300;")
    (world.path / "ok").touch()
    first = world.json("run", world.write(flow))
    log(world)
    (world.path / "ok").unlink()
    (world.path / "up").unlink()
    process = world.start("fork", first["run"], "--from", "c")
    world.wait_file("up")
    fork = world.last_run()
    assert fork != first["run"]
    process.kill()
    process.wait()
    (world.path / "ok").touch()
    doc = world.json("resume", fork)
    assert doc["result"] == first["result"] and doc["from"] == {"run": first["run"], "node": "c"}
    assert log(world) == ["c", "c"]
    sound(world, fork)


def test_what_cannot_be_forked_is_refused(world):
    run = world.run("chain: [{id: fetch, run: 'true'}, {id: never, if: false, run: 'true'}]")["run"]
    assert "--from" in world("fork", run, code=2).err
    assert "did you mean 'fetch'" in world("fork", run, "--from", "fetsh", code=2).err
    assert "no run" in world("fork", "zzz", "--from", "a", code=2).err
    before = len(world.json("history", "list")["runs"])
    assert "would reuse 1 node" in world("fork", run, "--from", "never", "--dry-run", code=0).out
    assert len(world.json("history", "list")["runs"]) == before


def test_events_say_what_is_reused(world):
    first = world.json("run", world.write(CHAIN))
    fork = world.json("fork", first["run"], "--from", "c")["run"]
    lines = world("history", "events", fork, "--json", code=0).out.splitlines()
    events = [json.loads(line) for line in lines]
    assert [e["seq"] for e in events] == list(range(1, len(events) + 1))
    types = [e["type"] for e in events]
    assert types[0] == "run_started" and types[1] == "reused"
    told = next(e for e in events if e["type"] == "forked")
    assert told["run"] == first["run"] and told["name"] == "chain[3]"
    ended = {e["path"] for e in events if e["type"] == "reused" and e["status"] == "succeeded"}
    assert ended == {"chain[0]", "chain[1]", "chain[1].group[0]", "chain[1].group[1]", "chain[2]"}
    assert types.count("dispatched") == 1

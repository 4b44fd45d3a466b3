"""cache: what ended well is not done again. A node that was reused names whose end it has; one that was not
names the part of its key that differs. What ran wrote a line into the file `log`."""

import hashlib
import json
import os
import pathlib
import signal
import sqlite3

import pytest

BUILD = """
name: build
params: {n: {type: string, default: one}}
env: {LEVEL: "1"}
chain:
- id: source
  run: printf '%s' "$INPUT"
  env: {INPUT: fresh}
- id: build
  run: 'echo build >> log; echo "built ${{ params.n }} $CC"; cat'
  env: {CC: gcc}
  args: [a]
  timeout: 60s
  cache: {files: ["src/*.c"]}
- id: use
  run: cat
"""


def ran(world):
    """What ran since it was last asked."""
    path = world.path / "log"
    text = path.read_text().split() if path.exists() else []
    path.write_text("")
    return text


def source(world, name="a.c", text="int a;"):
    file = world.path / "src" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    return file


def why(world, node="build", run="last"):
    """The reason of the miss, as every view has it."""
    cache = world.node(node, run)["cache"]
    assert cache["miss"] in world("explain", run, node, code=0).out
    because = world.json("explain", run, node)["because"]
    assert [b["value"]["miss"] for b in because if b["expr"] == "cache"] == [cache["miss"]]
    return cache["miss"]


def hit(world, origin, node="build", run="last"):
    found = world.node(node, run)
    assert found["status"] == "succeeded" and found["cause"] == {"kind": "cache"}
    assert found["cache"]["hit"]["run"] == origin
    assert found["exit_code"] is None and found["worker"] is None
    events = [json.loads(line) for line in world("history", "events", run, "--json").out.splitlines()]
    assert not any(e["type"] == "dispatched" and e["node"] == found["path"] for e in events)
    assert f"run {origin}" in world("explain", run, node, code=0).out
    world("history", "verify", run, code=0)
    return found


def test_a_hit_says_what_it_reused(world):
    source(world)
    first = world.run(BUILD)
    assert ran(world) == ["build"]
    assert why(world) == "nothing was kept of an earlier run"
    done = world("run", "flow.yaml", code=0)
    assert ran(world) == []
    assert f"build: cached, from run {first['run']}" in done.err
    assert f"cache: from run {first['run']}" in world("history", "show", "last", code=0).out
    second = world.show()
    assert second["result"] == first["result"] == "built one gcc\nfresh"
    found = hit(world, first["run"])
    assert found["cache"]["hit"]["node"] == "chain[1]"
    assert found["cache"]["hit"]["at"].startswith("20")
    # A third one still names who has done it.
    world.json("run", "flow.yaml")
    hit(world, first["run"])
    assert ran(world) == []


CHANGES = [
    ("definition", lambda t: t.replace("echo build >> log;", "echo build >> log; :;"), [],
     "definition differs"),
    ("argument", lambda t: t.replace("args: [a]", "args: [b]"), [], "args[0] differs"),
    ("more arguments", lambda t: t.replace("args: [a]", "args: [a, b]"), [], "args[1] is new"),
    ("parameter", lambda t: t, ["-p", "n=two"], "params.n differs"),
    ("env", lambda t: t.replace("CC: gcc", "CC: clang"), [], "env CC differs"),
    ("env around", lambda t: t.replace('LEVEL: "1"', 'LEVEL: "2"'), [], "env LEVEL differs"),
    ("env gone", lambda t: t.replace('env: {LEVEL: "1"}\n', ""), [], "env LEVEL is gone"),
    ("what enters", lambda t: t.replace("INPUT: fresh", "INPUT: stale"), [], "prev differs"),
    ("shell", lambda t: t.replace("  args: [a]", "  args: [a]\n  shell: bash"), [],
     "definition differs"),
    ("output", lambda t: t.replace("  args: [a]", "  args: [a]\n  output: lines"), [],
     "definition differs"),
    ("dir", lambda t: t.replace("  args: [a]", "  args: [a]\n  dir: ."), [], "dir differs"),
]


@pytest.mark.parametrize("change,args,said", [c[1:] for c in CHANGES], ids=[c[0] for c in CHANGES])
def test_a_miss_names_what_differs(world, change, args, said):
    source(world)
    world.run(BUILD)
    ran(world)
    assert change(BUILD) != BUILD or args
    world.run(change(BUILD), *args)
    assert ran(world) == ["build"]
    assert why(world) == said
    world.run(BUILD)  # the first is still there
    assert ran(world) == []


@pytest.mark.parametrize("change", [
    lambda t: t.replace("timeout: 60s", "timeout: 61s"),
    lambda t: t.replace("  timeout: 60s", "  retry: 3\n  priority: 4\n  name: another"),
    lambda t: t.replace("- id: build", "- id: compile"),
    lambda t: "description: other\n" + t,
    lambda t: t.replace("chain:", "chain:\n- run: 'true'\n- value: x", 1).replace(
        "- id: source\n", "- id: source\n  stdin: ''\n"),
], ids=["timeout", "around", "id", "file", "place"])
def test_what_is_not_in_the_key(world, change):
    source(world)
    world.run(BUILD)
    ran(world)
    world.run(change(BUILD))
    assert ran(world) == []


def test_files_by_name_and_content(world):
    source(world)
    world.run(BUILD)
    source(world, "b.c")
    world.run(BUILD)
    assert why(world) == "file src/b.c is new"
    source(world, "b.c", "int b;")
    world.run(BUILD)
    assert why(world) == "file src/b.c changed"
    (world.path / "src" / "b.c").unlink()
    (world.path / "src" / "a.c").rename(world.path / "src" / "z.c")
    world.run(BUILD)
    assert why(world) == "file src/z.c is new, file src/a.c is gone"
    source(world, "c.txt")  # no pattern has it
    ran(world)
    world.run(BUILD)
    assert ran(world) == []


def test_files_that_change_while_it_runs_keep_nothing(world):
    """What came of other files than those that were read before it began is nobody's end."""
    flow = world.write("run: 'echo x >> log; touch begun; while ! test -e go; do sleep 0.02; done; cat src'\n"
                       "cache: {files: [src]}")
    (world.path / "src").write_text("old")
    process = world.start("run", flow, "--json")
    world.wait_file("begun")
    (world.path / "src").write_text("new")
    (world.path / "go").touch()
    assert json.loads(world.end(process, code=0)[0])["result"] == "new"
    for src, runs in (("old", ["x"]), ("new", ["x"]), ("old", []), ("new", [])):
        ran(world)
        (world.path / "src").write_text(src)
        assert world.json("run", flow)["result"] == src
        assert ran(world) == runs


def test_a_task_that_writes_its_own_files_is_not_kept(world):
    flow = "run: 'echo x >> log; cat log >> src'\ncache: {files: [src]}"
    (world.path / "src").write_text("")
    world.run(flow)
    (world.path / "src").write_text("")
    world.run(flow)
    assert ran(world) == ["x", "x"]


def test_files_and_the_next_that_asks(world):
    """It waits for the one before, whose files are still being read again."""
    (world.path / "src").write_bytes(bytes(10_000_000))
    node = "run: 'echo x >> log; echo %s', stdin: '', cache: {files: [src]}"
    flow = """
try: {chain: [%s, {fail: no}]}
catch: {value: caught}
"""
    world.run(flow % f"{{{node % 1}}}, {{{node % 1}, undo: {{run: 'echo undo >> log'}}}}")
    assert ran(world) == ["x"]
    world.run(flow % f"{{{node % 2}, undo: {{run: 'echo undo >> log'}}}}")
    assert ran(world) == ["x", "undo"]
    world.run(f"chain: [{{{node % 2}}}]")
    assert ran(world) == ["x"]  # what was undone meanwhile is not kept, either


def test_files_that_match_nothing_keep_nothing(world):
    for _ in range(2):
        world.run(BUILD)
        assert why(world) == "no file matches its `files`"
    assert ran(world) == ["build", "build"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_files_that_cannot_be_read_are_a_miss(world):
    source(world)
    source(world, "b.c").chmod(0)
    world.run(BUILD)
    assert "cannot be read" in why(world)
    assert ran(world) == ["build"]


def test_max_age(world):
    flow = "run: 'echo x >> log; echo done'\ncache: {max_age: 1ms}"
    first = world.run(flow)
    world.run(flow)
    assert ran(world) == ["x", "x"]
    miss = world.show()["nodes"][0]["cache"]["miss"]
    assert miss == f"the result of run {first['run']} is older than its max_age of 1ms"
    young = flow.replace("1ms", "30d")
    world.run(young)
    assert ran(world) == []


def test_a_hit_does_not_make_it_younger(world):
    """max_age counts from when the work was done, however often it was reused since."""
    flow = "run: 'echo x >> log; echo done'\ncache: true"
    world.run(flow)
    with sqlite3.connect(world.db) as db:
        before = db.execute("SELECT at_ms FROM cache").fetchall()
    world.run(flow)
    with sqlite3.connect(world.db) as db:
        assert db.execute("SELECT at_ms FROM cache").fetchall() == before * 2


def test_key_stands_for_everything_but_files(world):
    flow = """
run: 'echo x >> log; echo %s'
cache: {key: "${{ params.version }}", files: [conf]}
params: {version: {type: integer, default: 1}}
"""
    (world.path / "conf").write_text("a")
    world.run(flow % "first")
    assert world.run(flow % "second")["result"] == "first"
    assert ran(world) == ["x"]
    assert world.run(flow % "third", "-p", "version=2")["result"] == "third"
    assert world.show()["nodes"][0]["cache"]["miss"] == "key differs"
    (world.path / "conf").write_text("b")
    world.run(flow % "fourth")
    assert world.show()["nodes"][0]["cache"]["miss"] == "file conf changed"
    assert ran(world) == ["x", "x"]


def test_a_key_is_of_its_node_alone(world):
    doc = world.run("""
group:
- {run: echo one, cache: {key: k}}
- {run: echo two, cache: {key: k}}
""")
    assert doc["result"] == ["one", "two"]
    assert world.run("""
group:
- {run: echo one, cache: {key: k}}
- {run: echo two, cache: {key: k}}
""")["result"] == ["one", "two"]


def test_a_key_is_of_its_file_alone(world):
    """Files of the same name, as every project has them, and texts that came from none."""
    flow = "chain: [{id: x, run: 'echo x >> log; echo %s', stdin: '', cache: {key: v1}}]"
    for d in "AB":
        assert world.json("run", world.write(flow % d, f"{d}/ci.yaml"))["result"] == d
    assert world.show()["nodes"][1]["cache"]["miss"] == "workflow differs"
    assert world.json("run", world.write(flow % "other", "A/ci.yaml"))["result"] == "A"
    for d in "ABA":
        done = world("run", "-", "--json", input=(flow % f"of {d}").encode(), cwd=world.path / d, code=0)
        assert json.loads(done.out)["result"] == f"of {d}"


def test_a_key_goes_with_its_id(world):
    """A node that has one may be moved about in its box; those of other boxes are others."""
    def flow(order):
        nodes = "".join(f"- {{id: {i}, run: 'echo {i} >> log; echo {i}', cache: {{key: v1}}}}\n"
                        for i in order)
        return f"name: k\nchain:\n{nodes}outputs: {{a: '${{{{ nodes.a.result }}}}'}}"
    assert world.run(flow("ab"))["outputs"] == {"a": "a"}
    assert ran(world) == ["a", "b"]
    assert world.run(flow("cba"))["outputs"] == {"a": "a"}
    assert ran(world) == ["c"]
    inner = "{id: i, run: 'echo %s', cache: {key: v1}}"
    assert world.run(f"""
name: k
tasks: {{t: {{params: {{v: {{type: string}}}}, {(inner % '${{ params.v }}')[1:-1]}}}}}
chain:
- {{id: a, for: [0], do: {inner % 'for'}}}
- {{for: [0], do: {inner % 'more'}}}
- {{for: [0], do: {inner % 'most'}}}
- {{task: t, with: {{v: task}}}}
- {{task: t, with: {{v: other}}}}
outputs: {{a: '${{{{ nodes.a.result }}}}'}}
""")["outputs"] == {"a": ["for"]}
    assert [n["result"] for n in world.show()["nodes"] if n["kind"] == "run"] == [
        "for", "more", "most", "task", "other"]


def test_the_same_work_is_known_again_anywhere(world):
    """Same definition, arguments and env: another file, another place in it."""
    world.run("run: 'echo x >> log; echo same'\ncache: true")
    other = world.write("chain: [{value: 1}, {group: [{run: 'echo x >> log; echo same', stdin: '', "
                        "cache: true}]}]", "other.yaml")
    assert world.json("run", other)["result"] == ["same"]
    assert ran(world) == ["x", "x"]  # stdin: '' is one more part
    assert world.json("run", other)["result"] == ["same"]
    assert ran(world) == []


def test_without_files_the_folder_counts(world):
    flow = "run: 'echo x >> log; echo done'\ncache: true"
    world.run(flow)
    world.json("run", world.write(flow, "sub/flow.yaml"))
    assert world.show()["nodes"][0]["cache"]["miss"] == "folder differs"


def test_an_expression_says_whether(world):
    flow = """
params: {again: {type: boolean, default: false}}
run: 'echo x >> log'
cache: ${{ !params.again }}
"""
    world.run(flow)
    world.run(flow)
    assert ran(world) == ["x"]
    world.run(flow, "-p", "again=true")
    assert ran(world) == ["x"]
    assert "cache" not in world.show()["nodes"][0]
    done = world.run("run: echo\ncache: ${{ prev || 7 }}", code=1)
    assert "`cache`" in done["error"]["message"]


GROUP = """
params: {n: {type: integer, default: 1}, other: {type: integer, default: 1}}
chain:
- {id: before, run: 'echo ${{ params.other }}'}
- id: g
  group:
  - {id: a, run: 'echo a >> log; echo ${{ params.n }}'}
  - {for: [1, 2], do: {run: 'echo ${{ item }} >> log; echo ${{ item }}-${{ nodes.before.result }}'}}
  cache: true
  stdin_of: none
  outputs: {a: "${{ nodes.a.result }}"}
- {run: 'echo ${{ nodes.g.outputs.a }}; cat'}
""".replace("  stdin_of: none\n", "")


def test_a_whole_composite(world):
    first = world.run(GROUP)
    assert sorted(ran(world)) == ["1", "2", "a"]
    second = world.run(GROUP)
    assert ran(world) == [] and second["result"] == first["result"]
    g = hit(world, first["run"], "g")
    assert g["result"] == ["1", ["1-1", "2-1"]] and g["outputs"] == {"a": "1"}
    assert [n["path"] for n in world.show()["nodes"]] == ["", "chain[0]", "chain[1]", "chain[2]"]
    world.run(GROUP, "-p", "n=2")
    assert why(world, "g") == "params.n differs"
    assert sorted(ran(world)) == ["1", "2", "a"]
    world.run(GROUP, "-p", "other=2")
    assert why(world, "g") == "nodes.before.result differs, prev differs" or \
        set(world.node("g")["cache"]["differs"]) == {"nodes.before.result", "prev"}
    world.run(GROUP.replace("echo a >> log;", "echo a >> log; :;"))
    assert why(world, "g") == "definition differs"
    inner = GROUP.replace("id: a, run", "id: a, name: shown, description: d, priority: 3, run")
    ran(world)
    world.run(inner)
    assert ran(world) == []


def test_a_called_task_and_workflow(world):
    world.write("params: {x: {type: string}}\nrun: 'echo w >> log; echo ${{ params.x }}'", "w.yaml")
    flow = """
params: {x: {type: string, default: v}}
tasks:
  t: {params: {y: {type: string}}, chain: [{run: 'echo t >> log; echo ${{ params.y }}'}]}
chain:
- {id: t, task: t, with: {y: "${{ params.x }}"}, cache: true}
- {id: w, workflow: w.yaml, with: {x: "${{ params.x }}"}, cache: true}
"""
    first = world.run(flow)
    assert ran(world) == ["t", "w"]
    assert world.run(flow)["result"] == first["result"] == "v"
    assert ran(world) == []
    hit(world, first["run"], "w")
    world.run(flow, "-p", "x=other")
    assert ran(world) == ["t", "w"]
    assert why(world, "chain[0].task") == "params.y differs" and why(world, "w") == "with.x differs"
    world.write("params: {x: {type: string}}\nrun: 'echo w >> log; echo ${{ params.x }}!'", "w.yaml")
    world.run(flow)
    assert ran(world) == ["w"]
    assert why(world, "w") == "definition differs"


def test_the_arguments_of_a_workflow_are_in_its_key(world):
    """As they came out, whatever they were made of: those that ask as well, and large ones."""
    world.write("params: {h: {type: string}, b: {}, n: {default: 1}}\n"
                "run: 'echo w >> log; wc -c'\nstdin: ${{ params.b }}", "c.yaml")
    flow = """
chain:
- {run: cat big}
- {id: w, workflow: c.yaml, cache: true, with: {h: "${{ hashFiles('src') }}", b: "${{ prev }}"}}
"""
    def run(src, big):
        (world.path / "src").write_text(src)
        (world.path / "big").write_text(big)
        world.run(flow)
        return ran(world)
    assert run("one", "a") == ["w"] and run("two", "a") == ["w"]
    assert why(world, "w") == "with.h differs"
    assert run("one", "a") == [] and run("two", "a" * 100_000) == ["w"]
    assert run("two", "b" * 100_000) == ["w"] and run("two", "a" * 100_000) == []
    whole = flow.replace("with: {h:", "with: {n: 2, h:")
    world.run(whole)
    assert ran(world) == ["w"] and why(world, "w") == "with.n is new"
    done = world.run("workflow: c.yaml\ncache: true\nwith: {h: '${{ fromJSON(run.id) }}', b: 1}", code=1)
    assert done["error"]["cause"] == "expression" and ran(world) == []


def test_items_have_keys_of_their_own(world):
    flow = "for: ${{ fromJSON(params.l) }}\nparams: {l: {type: string}}\n" \
           "do: {run: 'echo ${{ item }} >> log; echo r${{ item }}', cache: true}"
    world.run(flow, "-p", "l=[1,2,3]")
    ran(world)
    doc = world.run(flow, "-p", "l=[3,4,1]")
    assert doc["result"] == ["r3", "r4", "r1"] and ran(world) == ["4"]
    miss = world.node("do[1]")["cache"]
    assert set(miss["differs"]) == {"item", "prev"}


def test_a_skip_of_the_inside_and_needs(world):
    """needs treats a hit as a success; a guard is looked at first."""
    flow = """
dag:
  a: {run: 'echo a >> log', cache: true}
  b: {run: 'echo b >> log', cache: true, needs: a, if: "${{ params.b }}"}
  c: {run: 'echo c >> log', needs: {a: succeeded}}
params: {b: {type: boolean, default: true}}
"""
    world.run(flow)
    ran(world)
    world.run(flow)
    assert ran(world) == ["c"]
    world.run(flow, "-p", "b=false")
    assert world.node("b")["cause"] == {"kind": "guard"} and ran(world) == ["c"]


def test_failures_are_not_kept(world):
    flow = "run: 'echo x >> log; test -e ok'\ncache: true"
    world.run(flow, code=1)
    world.run(flow, code=1)
    assert ran(world) == ["x", "x"]
    (world.path / "ok").touch()
    world.run(flow)
    (world.path / "ok").unlink()
    world.run(flow)
    assert ran(world) == ["x"]


def test_each_attempt_asks(world):
    flow = "run: 'echo x >> log; test $ACTANT_ATTEMPT = 2'\ncache: true\nretry: 2"
    world.run(flow)
    world.run(flow)
    assert ran(world) == ["x", "x"]
    assert world.show()["nodes"][0]["attempt"] == 1


def test_retry_asks_for_what_failed_and_runs_what_it_is_told_to(world):
    flow = """
chain:
- {id: a, run: 'echo a >> log; echo A', cache: true}
- {id: b, run: 'echo b >> log; test -e ok', cache: true}
"""
    first = world.run(flow, code=1)
    (world.path / "ok").touch()
    ran(world)
    world.json("retry", first["run"])
    assert ran(world) == ["b"]
    world.json("retry", first["run"], "--from", "a")
    assert ran(world) == ["a"]  # b is what it was
    assert world.node("a")["cache"]["miss"].startswith("it was asked for anew")
    assert world.node("b")["cause"] == {"kind": "cache"}
    world("history", "verify", first["run"], code=0)


def test_no_cache(world):
    flow = world.write("run: 'echo x >> log; date +%N'\ncache: true")
    first = world.json("run", flow)
    second = world.json("run", flow, "--no-cache")
    assert ran(world) == ["x", "x"] and second["result"] != first["result"]
    assert world.show()["nodes"][0]["cache"]["miss"] == "--no-cache"
    assert world.json("run", flow)["result"] == second["result"]  # it was kept all the same
    third = world.json("rerun", first["run"], "--no-cache")
    assert third["result"] not in (first["result"], second["result"])
    assert world.json("rerun", third["run"])["result"] == third["result"]
    world.env["ACTANT_CACHE"] = "false"
    ran(world)
    world.json("run", flow)
    assert ran(world) == ["x"]


def test_what_was_reused_is_not_undone(world):
    flow = """
try:
  chain:
  - {id: a, run: 'echo a >> log', cache: true, undo: {run: 'echo undo-a >> log'}}
  - {id: b, run: 'echo b >> log', undo: {run: 'echo undo-b >> log'}}
  - {run: 'test -e ok'}
catch: {run: 'true'}
"""
    (world.path / "ok").touch()
    world.run(flow)
    assert ran(world) == ["a", "b"]
    (world.path / "ok").unlink()
    world.run(flow)
    assert ran(world) == ["b", "undo-b"]


def test_what_was_undone_is_not_reused(world):
    flow = """
try:
  chain:
  - {id: outer, chain: [{id: a, run: 'echo a >> log', undo: {run: 'echo undo >> log'}}], cache: true}
  - {run: 'test -e ok'}
catch: {run: 'true'}
"""
    world.run(flow)
    assert ran(world) == ["a", "undo"]
    (world.path / "ok").touch()
    world.run(flow)
    assert ran(world) == ["a"]
    world.run(flow)
    assert ran(world) == []


TWICE = """
params: {ok: {type: boolean, default: false}}
try:
  dag:
    a: {run: "echo x >> log; touch booked; echo b", cache: true, undo: {run: rm booked}}
    b: {needs: a, run: "echo x >> log; touch booked; echo b", cache: true}
    c: {needs: b, if: "${{ !params.ok }}", fail: no}
catch: {value: caught}
"""


def test_what_another_node_had_of_it_is_undone_with_it(world):
    world.run(TWICE)
    assert ran(world) == ["x"] and not (world.path / "booked").exists()
    world.run(TWICE, "-p", "ok=true")
    assert ran(world) == ["x"] and (world.path / "booked").exists()
    world.run(TWICE, "-p", "ok=true")
    assert ran(world) == []


LATER = """
params: {n: {type: integer, default: 1}}
try:
  chain:
  - {id: a, run: "echo x >> log; touch booked; echo b", cache: true, undo: {run: rm booked}}
  - run: 'touch at-${{ params.n }}; until test -e go-${{ params.n }}; do sleep 0.02; done'
  - {id: last, if: "${{ params.n == 1 }}", fail: no}
catch: {value: caught}
"""


def test_what_another_run_had_of_it_is_undone_with_it(world):
    first = world.start("run", world.write(LATER))
    world.wait_file("at-1")
    (world.path / "go-2").touch()
    world.run(LATER, "-p", "n=2")
    assert world.node("a")["cause"] == {"kind": "cache"}
    (world.path / "go-1").touch()
    world.end(first, code=0)
    assert ran(world) == ["x"] and not (world.path / "booked").exists()
    world.run(LATER, "-p", "n=2")
    assert ran(world) == ["x"] and (world.path / "booked").exists()


def test_what_is_undone_is_forgotten_by_who_takes_it_up(world):
    """As if the process had died between the log and the cache."""
    flow = world.write("""
try:
  chain:
  - {id: a, run: "echo x >> log", cache: true,
     undo: {run: 'touch undoing; until test -e go; do sleep 0.02; done'}}
  - {run: 'touch kept; until test -e on; do sleep 0.02; done; exit 1', stdin: ''}
catch: {value: caught}
""")
    process = world.start("run", flow)
    world.wait_file("kept")
    with sqlite3.connect(world.db, timeout=60) as db:  # the run goes on
        db.execute("CREATE TABLE kept AS SELECT * FROM cache")
    (world.path / "on").touch()
    world.wait_file("undoing")
    process.send_signal(signal.SIGKILL)
    world.end(process)
    (world.path / "go").touch()
    with sqlite3.connect(world.db) as db:
        assert db.execute("INSERT INTO cache SELECT * FROM kept").rowcount == 1
        db.execute("DROP TABLE kept")
    world.json("resume", "last")
    world.json("run", flow)
    assert ran(world) == ["x", "x"]


def test_what_a_fork_undoes_is_not_reused(world):
    flow = """
try:
  chain:
  - {id: a, run: "echo x >> log; touch booked", cache: true, undo: {run: rm booked}}
  - {id: b, run: 'test -e ok', stdin: ''}
catch: {value: caught}
"""
    (world.path / "ok").touch()
    first = world.run(flow)
    (world.path / "ok").unlink()
    second = world.json("fork", first["run"], "--from", "b")
    assert not (world.path / "booked").exists()
    (world.path / "ok").touch()
    ran(world)
    world.run(flow)
    assert ran(world) == ["x"] and (world.path / "booked").exists()
    assert second["result"] == "caught"


def test_outputs_that_a_task_wrote(world):
    flow = """
chain:
- id: a
  run: 'echo x >> log; echo v=1 >> "$ACTANT_OUTPUT"; echo res'
  cache: true
  outputs: {w: "${{ prev }}!"}
- {run: 'echo ${{ nodes.a.outputs.v }} ${{ nodes.a.outputs.w }}', stdin: ''}
"""
    assert world.run(flow)["result"] == world.run(flow)["result"] == "1 res!"
    assert ran(world) == ["x"]


def test_results_byte_for_byte(world):
    flow = r"""
chain:
- {run: 'echo x >> log; printf "a\377b\n\n"', cache: true}
- {run: 'od -An -tx1 | tr -d " \n"'}
"""
    first = world.run(flow)["result"]
    assert first == "61ff620a0a" and world.run(flow)["result"] == first
    assert ran(world) == ["x"]


@pytest.mark.parametrize("size", [100_000, 700_000])
def test_large_results_are_the_run_s_own(world, size):
    flow = f"""
chain:
- {{run: 'echo x >> log; yes | head -c {size}', cache: true}}
- {{id: count, run: 'echo y >> log; wc -c', cache: true}}
- {{group: [{{run: 'yes | head -c {size}'}}, {{run: echo small}}], cache: true, id: g}}
- {{run: 'wc -c', stdin: "${{{{ prev[0] }}}}"}}
"""
    first = world.run(flow)
    assert world.node("count")["result"].strip() == str(size)
    second = world.run(flow)
    assert ran(world) == ["x", "y"] and second["result"] == first["result"]
    world("history", "verify", second["run"], code=0)
    world("history", "gc", "--keep", "1", code=0)  # what it came from is gone
    assert world("history", "show", first["run"]).returncode != 0
    shown = world.show(second["run"])["nodes"]
    assert len([n for n in shown if n["path"] == "chain[0]"][0]["result"]) in (size, size - 1)
    third = world.run(flow)
    assert ran(world) == [] and third["result"] == first["result"]
    fork = world.json("fork", second["run"], "--from", "chain[3]")
    assert fork["result"] == first["result"]
    box = world.path / "run.actant"
    world("export", second["run"], "-o", box, code=0)
    other = {"ACTANT_DB": str(world.path / "other.db")}
    world("import", box, env=other, code=0)
    assert world.json("history", "show", second["run"], env=other)["result"] == first["result"]
    world("history", "verify", second["run"], env=other, code=0)


def test_large_arguments_count_by_their_type(world):
    """The same bytes as a text and as JSON are two values."""
    (world.path / "big.json").write_text(json.dumps(list(range(30_000))))
    flow = """
chain:
- {id: big, run: cat big.json, output: %s}
- {id: p, cache: true, chain: [{value: "${{ nodes.big.result[1] || 'none' }}"}]}
"""
    for _ in range(2):
        for output, result in (("text", "none"), ("json", 1)):
            assert world.run(flow % output)["result"] == result
    assert world.node("p")["cause"] == {"kind": "cache"}


def test_an_imported_run_is_not_believed(world):
    """A crate may come from anybody: what it holds is to be read, not to stand for work."""
    flow = world.write("run: 'echo x >> log; echo done'\ncache: true")
    first = world.json("run", flow)
    world("export", first["run"], "-o", "box", code=0)
    other = {"ACTANT_DB": str(world.path / "other.db")}
    world("import", "box", env=other, code=0)
    ran(world)
    world.json("run", flow, env=other)
    assert ran(world) == ["x"]


def test_entries_go_with_their_run(world):
    flow = "run: 'echo x >> log; echo done'\ncache: true"
    world.run(flow)
    world.run("run: 'true'")
    world("history", "gc", "--keep", "1", code=0)
    with sqlite3.connect(world.db) as db:
        assert db.execute("SELECT count(*) FROM cache").fetchone() == (0,)
    ran(world)
    world.run(flow)
    assert ran(world) == ["x"]


SECRET = """
secrets: [TOKEN]
chain:
- {id: a, run: 'echo a >> log; echo ${#T}', env: {T: "${{ secrets.TOKEN }}"}, cache: true}
- {id: b, run: 'echo b >> log; echo $T', env: {T: "${{ secrets.TOKEN }}"}, cache: true, stdin: ''}
- id: c
  chain: [{run: 'echo c >> log; echo $T', env: {T: "${{ secrets.TOKEN }}"}}, {run: echo fine}]
  cache: true
"""


def test_secrets_count_by_their_names(world):
    env = {"TOKEN": "first-secret"}
    flow = world.write(SECRET)
    world.json("run", flow, "--secret", "TOKEN", env=env)
    assert ran(world) == ["a", "b", "c"]
    world.json("run", flow, "--secret", "TOKEN", env={"TOKEN": "other-secret"})
    assert ran(world) == ["b", "c"]  # what held one is not kept, nor what is around it
    assert world.node("a")["cause"] == {"kind": "cache"}
    for path in world.db.parent.rglob("*"):
        if path.is_file():
            assert b"first-secret" not in path.read_bytes()
    assert world.run(SECRET.replace("TOKEN", "OTHER"), "--secret", "OTHER",
                     env={"OTHER": "first-secret"})
    assert why(world, "a") == "env T differs"


def test_without_history_nothing_is_kept(world):
    flow = world.write("run: 'echo x >> log'\ncache: true")
    for _ in range(2):
        world("run", flow, "--no-history", code=0)
    assert ran(world) == ["x", "x"] and not world.db.exists()


@pytest.mark.parametrize("sql", [
    "UPDATE cache SET body = x'00'",
    "UPDATE cache SET body = zeroblob(length(body))",
    "UPDATE cache SET hash = x'00'",
    "UPDATE cache SET parts = '{'",
    "UPDATE cache SET node = 'elsewhere'",
    "UPDATE cache SET at_ms = at_ms + 1",
    "UPDATE cache SET run = 99999",
    "DROP INDEX cache_key",
])
def test_rows_that_are_damaged_or_not_ours(world, sql):
    flow = "run: 'echo x >> log; echo done'\ncache: true"
    world.run(flow)
    with sqlite3.connect(world.db) as db:
        db.execute(sql)
    ran(world)
    world.damaged = "99999" in sql  # a row of no run
    assert world.run(flow)["result"] == "done"
    assert ran(world) == ([] if "INDEX" in sql else ["x"])
    assert world.run(flow)["result"] == "done"
    assert ran(world) == []


def test_a_large_result_that_is_gone_is_a_miss(world):
    flow = "run: 'echo x >> log; yes | head -c 700000'\ncache: true"
    first = world.run(flow)
    for file in (world.db.parent).rglob("*.out"):
        file.unlink()
    ran(world)
    world.run(flow)
    assert ran(world) == ["x"]
    assert world.show()["nodes"][0]["cache"]["miss"] == \
        f"what run {first['run']} left is damaged or gone"
    world.damaged = True


def test_runs_at_the_same_time(world):
    flow = world.write("run: 'echo x >> log; while ! test -e go; do sleep 0.02; done; echo done'\n"
                       "cache: true")
    runs = [world.start("run", flow, "--json") for _ in range(3)]
    world.wait("three", lambda: (world.path / "log").exists() and
               (world.path / "log").read_text().split() == ["x"] * 3)
    (world.path / "go").touch()
    for one in runs:
        out, _ = world.end(one, code=0)
        assert json.loads(out)["result"] == "done"
    ran(world)
    world.json("run", flow)
    assert ran(world) == []


def test_a_detached_run(world):
    flow = world.write("chain: [{id: a, run: 'echo x >> log; echo one', cache: true}, {run: cat}]")
    for expected in (["x"], []):
        run = world.json("run", flow, "--detach")["run"]
        doc = world.json("attach", run)
        assert doc["status"] == "succeeded" and doc["result"] == "one"
        assert ran(world) == expected
    assert world.node("a")["cause"] == {"kind": "cache"}
    run = world.json("run", flow, "--detach", "--no-cache")["run"]
    world.json("attach", run)
    assert ran(world) == ["x"]


def test_a_run_that_is_killed_and_goes_on(world):
    flow = world.write("""
chain:
- {id: a, run: 'echo a >> log; echo one', cache: true}
- {id: b, run: 'echo b >> log; touch there; while ! test -e go; do sleep 0.02; done; cat', cache: true}
""")
    world.json("run", world.write("run: 'echo a >> log; echo one'\nstdin: ''\ncache: true", "o.yaml"))
    ran(world)
    process = world.start("run", flow)
    world.wait_file("there")
    process.send_signal(signal.SIGKILL)
    world.end(process)
    (world.path / "go").touch()
    assert ran(world) == ["a", "b"]
    doc = world.json("resume", "last")
    assert doc["result"] == "one" and ran(world) == ["b"]
    world("history", "verify", "last", code=0)
    world.json("run", flow)
    assert ran(world) == []


def test_an_entry_that_was_lost_does_no_harm(world):
    """As if the process had died between the end and what is kept of it."""
    flow = "run: 'echo x >> log; echo done'\ncache: true"
    world.run(flow)
    with sqlite3.connect(world.db) as db:
        db.execute("DELETE FROM cache")
    world.run(flow)
    world.run(flow)
    assert ran(world) == ["x", "x"]


def test_what_stands_inside_may_not_be_read_from_outside(world):
    done = world("validate", world.write("""
chain:
- {id: g, chain: [{id: a, run: echo}], cache: true}
- {run: 'echo ${{ nodes.a.result }}'}
"""), code=2)
    assert "'a' stands inside of a node with `cache`" in done.out and "outputs" in done.out


def test_github_and_junit(world):
    flow = world.write("run: 'echo x >> log; echo done'\ncache: true\nid: one")
    first = world.json("run", flow)
    done = world("run", flow, "--junit", "j.xml", env={"GITHUB_ACTIONS": "true"}, code=0)
    assert f"cached, from run {first['run']}" in done.err + done.out
    assert "<failure" not in (world.path / "j.xml").read_text()


def test_an_older_database_learns_of_it(world):
    world.run("run: 'true'")
    with sqlite3.connect(world.db) as db:
        db.executescript("DROP TABLE cache; DELETE FROM migrations WHERE name LIKE '%cache'")
        version = db.execute("PRAGMA user_version").fetchone()[0]
        db.execute(f"PRAGMA user_version = {version - 2}")
    flow = "run: 'echo x >> log; echo done'\ncache: true"
    world.run(flow)
    world.run(flow)
    assert ran(world) == ["x"]


# ---- with artifacts

KEPT = """
params: {v: {type: string, default: one}}
chain:
- id: make
  run: |
    echo make >> log
    mkdir -p out/deep; echo ${{ params.v }} > out/a.txt; echo two > out/deep/b.txt
    echo prog > prog; chmod +x prog
  cache: true
  artifacts: {site: out, prog: prog, text: 'out/**/*.txt'}
- run: |
    cd ${{ nodes.make.artifacts.text }}; cat out/a.txt out/deep/b.txt
    test -x ${{ nodes.make.artifacts.prog }} && cat ${{ nodes.make.artifacts.prog }}
    dirname ${{ nodes.make.artifacts.site }}
"""


def folder(world, run):
    return pathlib.Path(f"{world.db}.d") / run


def kept(world, run, node="make"):
    """{NAME: {path: text}} of a node, each file in its run's own folder and what its listing says."""
    found = {}
    for name, one in world.node(node, run)["artifacts"].items():
        within = pathlib.Path(one["path"]).relative_to(folder(world, run))
        top = folder(world, run).joinpath(*within.parts[:3])
        contents = {f["path"]: (top / f["path"]).read_bytes() for f in one["files"]}
        assert all(hashlib.sha256(contents[f["path"]]).hexdigest() == f["sha256"] and
                   len(contents[f["path"]]) == f["bytes"] for f in one["files"])
        found[name] = {path: content.decode() for path, content in contents.items()}
    return found


def answers(world, run):
    """What each says: nothing is collected of a node that was found."""
    events = world("history", "events", run, "--json", code=0).out.splitlines()
    return [set(e["value"]) for e in map(json.loads, events) if e["type"] == "answer"]


ONE = {"site": {"a.txt": "one\n", "deep/b.txt": "two\n"}, "prog": {"prog": "prog\n"},
       "text": {"out/a.txt": "one\n", "out/deep/b.txt": "two\n"}}


def test_a_hit_brings_the_artifacts(world):
    first = world.run(KEPT)
    (world.path / "out" / "a.txt").unlink()  # what lies around is no part of it
    second = world.run(KEPT)
    assert ran(world) == ["make"]
    hit(world, first["run"], "make")
    assert kept(world, first["run"]) == kept(world, second["run"]) == ONE
    for doc in (first, second):  # the paths are the run's own
        *lines, where = doc["result"].splitlines()
        assert lines == ["one", "two", "prog"] and where.startswith(str(folder(world, doc["run"])))
    file = next(folder(world, second["run"]).rglob("site/a.txt"))
    assert file.stat().st_nlink == 5 and not file.stat().st_mode & 0o222
    assert f"artifact site: {folder(world, second['run'])}/artifacts/" in world("history", "show", second["run"], code=0).out
    assert answers(world, second["run"]) == [{"hit", "result", "found", "keep"}]


def test_the_artifacts_of_a_hit_outlive_their_origin(world):
    first = world.run(KEPT)
    second = world.run(KEPT)
    world("history", "gc", "--keep", "1", code=0)
    assert not folder(world, first["run"]).exists()
    assert kept(world, second["run"]) == ONE
    world("history", "verify", second["run"], code=0)
    third = world.run(KEPT)
    assert ran(world) == ["make"] and kept(world, third["run"]) == ONE
    fork = world.json("fork", third["run"], "--from", "chain[1]")
    assert kept(world, fork["run"]) == ONE and str(folder(world, fork["run"])) in fork["result"]
    world("history", "verify", fork["run"], code=0)
    other = {"ACTANT_DB": str(world.path / "other.db")}
    world("export", third["run"], "-o", "box", code=0)
    world("import", "box", env=other, code=0)
    world("history", "verify", third["run"], env=other, code=0)


def spoil(file):
    file.chmod(0o644)
    file.write_text(file.read_text().upper())


def shorten(file):
    file.chmod(0o644)
    file.write_text("")


@pytest.mark.parametrize("harm, said", [
    (lambda file: file.unlink(), "is gone"),
    (spoil, "holds something else"),
    (shorten, "holds something else"),
], ids=["gone", "other content", "shorter"])
def test_an_artifact_that_is_damaged_is_a_miss(world, harm, said):
    first = world.run(KEPT)
    harm(next(folder(world, first["run"]).rglob("site/deep/b.txt")))
    world.damaged = True
    second = world.run(KEPT)
    assert ran(world) == ["make", "make"]
    miss = world.node("make")["cache"]["miss"]
    assert miss == f"what run {first['run']} left is damaged or gone: its artifact site/deep/b.txt {said}"
    assert kept(world, second["run"]) == ONE  # not a link to what is damaged
    assert world.run(KEPT)["result"].startswith("one\ntwo\nprog")  # the second one's entry
    assert ran(world) == [] and world.node("make")["cache"]["hit"]["run"] == second["run"]


def test_an_older_entry_stands_in_for_a_damaged_one(world):
    first, second = world.run(KEPT), world.run(KEPT, "--no-cache")
    next(folder(world, second["run"]).rglob("prog/prog")).unlink()
    third = world.run(KEPT)
    world.damaged = True
    assert ran(world) == ["make", "make"]
    assert world.node("make")["cache"]["hit"]["run"] == first["run"]
    assert kept(world, third["run"]) == ONE


def test_what_is_kept_is_in_the_key(world):
    world.run(KEPT)
    world.run(KEPT.replace("{site: out, ", "{site: out/deep, "))
    assert why(world, "make") == "definition differs"
    world.run(KEPT, "-p", "v=two")
    assert why(world, "make") == "params.v differs"
    assert kept(world, world.show()["run"])["site"]["a.txt"] == "two\n"
    assert ran(world) == ["make"] * 3
    keyed = KEPT.replace("cache: true", "cache: {key: k}")
    world.run(keyed)
    world.run(keyed.replace("prog: prog, ", "prog: prog, more: prog, "))  # a key does not hide it
    assert why(world, "make") == "artifacts differs"
    world.run(keyed)
    assert ran(world) == ["make"] * 2


def test_what_a_path_is_made_of_is_in_the_key(world):
    flow = """
params: {f: {type: string, default: a}}
chain:
- {run: 'echo ${{ params.f }}'}
- {id: make, run: 'echo x >> log; echo 1 > a; echo 2 > b', stdin: '', cache: true,
   artifacts: {f: '${{ prev }}'}}
- {run: 'cat ${{ nodes.make.artifacts.f }}', stdin: ''}
"""
    for params, result, runs in (("a", "1", ["x"]), ("b", "2", ["x"]), ("a", "1", []), ("b", "2", [])):
        assert world.run(flow, "-p", f"f={params}")["result"] == result
        assert ran(world) == runs


def test_an_empty_folder_and_a_composite(world):
    flow = """
chain:
- id: box
  cache: true
  group:
  - {run: 'echo a >> log; mkdir -p o/none; echo 1 > o/1', artifacts: {inner: o}}
  - {run: 'echo b >> log; mkdir -p none'}
  artifacts: {all: o, none: none}
- run: 'cat ${{ nodes.box.artifacts.all }}/1; test -d ${{ nodes.box.artifacts.none }}; echo $?'
  stdin: ''
"""
    first = world.run(flow)
    assert sorted(ran(world)) == ["a", "b"]
    second = world.run(flow)
    assert ran(world) == [] and first["result"] == second["result"] == "1\n0"
    hit(world, first["run"], "box")
    assert answers(world, second["run"]) == [{"hit", "result", "found", "keep"}]
    assert kept(world, second["run"], "box") == {"all": {"1": "1\n"}, "none": {}}


def test_artifacts_and_retries(world):
    """A second attempt that is found has what was kept, not what the first one left."""
    flow = """
chain:
- {id: make, run: 'echo x >> log; echo $ACTANT_ATTEMPT > f; test -e ok', cache: true, retry: 2,
   artifacts: {f: f}}
- {run: 'cat ${{ nodes.make.artifacts.f }}; test -e more', stdin: ''}
"""
    world.run(flow, code=1)
    assert ran(world) == ["x"] * 3
    (world.path / "ok").touch()
    first = world.run(flow, code=1)
    assert kept(world, first["run"]) == {"f": {"f": "1\n"}}
    (world.path / "ok").unlink()
    (world.path / "more").touch()
    assert world.json("retry", first["run"])["result"] == "1"
    assert ran(world) == ["x"]
    (world.path / "ok").touch()
    again = world.json("retry", first["run"], "--from", "make")  # an attempt of its own
    assert ran(world) == ["x"] and again["result"] == "2"
    world("history", "verify", first["run"], code=0)
    second = world.run(flow)
    assert second["result"] == "2" and kept(world, second["run"]) == {"f": {"f": "2\n"}}


def test_items_of_one_run_share_artifacts(world):
    flow = """
for: [a, a]
do:
  chain:
  - {run: 'echo x >> log; echo 1 > f', stdin: '', cache: {key: k}, artifacts: {f: f}}
  - run: 'true'
parallel: 1
"""
    doc = world.run(flow)
    assert ran(world) == ["x"]
    assert [kept(world, doc["run"], f"do[{i}].chain[0]") for i in range(2)] == [{"f": {"f": "1\n"}}] * 2
    world("history", "verify", doc["run"], code=0)


def test_logs_point_to_where_it_was_written(world):
    flow = world.write("chain:\n- {id: said, run: echo words, cache: {key: one}}\n")
    first = world.json("run", flow)["run"]
    second = world.json("run", flow)["run"]
    done = world("logs", second, "said", code=0)
    assert done.out == "" and f"actant logs {first} chain[0]" in done.err
    assert world("logs", first, "said", code=0).err == ""

"""history, logs, explain."""

import json
import os
import re
import select
import subprocess

import pytest

FLOW = """
params: {bad: {type: boolean, default: false}}
dag:
  a: {run: 'echo out-a; echo err-a >&2'}
  b: {run: 'echo b', if: '${{ params.bad }}'}
  c: {needs: [a], run: 'test "$BAD" = false', env: {BAD: '${{ params.bad }}'}}
"""


def test_show_has_every_promised_key(world):
    world.run(FLOW)
    doc = world.show()
    assert doc["status"] == "succeeded"
    keys = {"id", "path", "kind", "status", "cause", "attempt", "needs", "started_at", "ended_at",
            "started_ns", "ended_ns", "worker", "exit_code", "signal", "result", "outputs", "error"}
    nodes = {n["id"]: n for n in doc["nodes"]}
    for node in doc["nodes"]:
        assert keys <= set(node), keys - set(node)
    assert nodes["a"]["result"] == "out-a" and nodes["a"]["exit_code"] == 0
    assert nodes["b"]["status"] == "skipped" and nodes["b"]["cause"]["kind"] == "guard"
    assert nodes["c"]["needs"] == ["a"] and nodes["c"]["kind"] == "run"
    assert nodes["a"]["ended_ns"] <= nodes["c"]["started_ns"]
    text = world("history", "show", "last", code=0).out
    assert "a (run)" in text and "guard" in text


def test_list_is_newest_first_and_filtered(world):
    first = world.run("value: 1")
    second = world.run("fail: x", code=1)
    rows = world.json("history", "list")["runs"]
    assert [r["run"] for r in rows] == [second["run"], first["run"]]
    assert set(rows[0]) >= {"run", "workflow", "status", "started_at"}
    assert [r["run"] for r in world.json("history", "list", "--status", "failed")["runs"]] == [second["run"]]
    assert len(world.json("history", "--limit", "1")["runs"]) == 1
    assert world.json("history", "list", "--workflow", "none")["runs"] == []
    assert second["run"] in world("history", code=0).out


def test_a_list_that_is_cut_says_so(world):
    said = "the newest 20; there are more: --limit N, or --limit 0 for all\n"
    for _ in range(20):
        world.run("value: 1")
    assert world("history", code=0).err == ""
    world.run("value: 1")
    done = world("history", "list", code=0)
    assert done.err == said and done.out.count("succeeded") == 20
    assert world("history", "--workflow", "flow", code=0).err == said
    for options, count in ((["--limit", "0"], 21), (["--limit", "5"], 5)):
        done = world("history", *options, code=0)
        assert done.err == "" and done.out.count("succeeded") == count
    done = world("history", "--json", code=0)
    assert done.err == "" and len(json.loads(done.out)["runs"]) == 21
    assert "without --limit 20" in world("history", "--help", code=0).out


def test_no_history_yet_is_an_empty_list(world):
    assert world.json("history", "list") == {"runs": []}
    assert not world.db.exists()


def test_a_unique_beginning_and_last_name_a_run(world):
    run = world.run("value: 1")["run"]
    assert world.show(run[:10])["run"] == run
    assert world.show("last")["run"] == run


def test_events_are_lines_in_order(world):
    world.run(FLOW)
    events = [json.loads(line) for line in world("history", "events", "last", "--json").out.splitlines()]
    assert [e["seq"] for e in events] == list(range(1, len(events) + 1))
    assert events[0]["type"] == "run_started" and events[-1]["type"] == "run_ended"
    for event in events:
        assert {"seq", "at", "type", "node"} <= set(event)


def test_diff(world):
    flow = world.write(FLOW)
    a = world.json("run", flow)["run"]
    b = world.json("run", flow, "-p", "bad=true", code=1)["run"]
    diff = world.json("history", "diff", a, b)
    assert [p["name"] for p in diff["params"]] == ["bad"] and diff["spec"]["same"] is True
    changed = {n["node"] for n in diff["nodes"]}
    assert {"b", "c"} <= changed
    assert "bad" in world("history", "diff", a, b, code=0).out


def test_gc_removes_whole_ended_runs(world):
    flow = world.write("run: seq 1 20000")
    runs = [world.json("run", flow)["run"] for _ in range(4)]
    assert "needs to know" in world("history", "gc", code=2).err
    assert world.json("history", "gc", "--keep", "1", "--dry-run")["removed"] == runs[:3]
    assert len(world.json("history", "list")["runs"]) == 4
    assert world.json("history", "gc", "--keep", "3", "--older-than", "1d")["removed"] == []
    assert world.json("history", "gc", "--keep", "1")["removed"] == runs[:3]
    assert [r["run"] for r in world.json("history", "list")["runs"]] == runs[3:]
    folders = [p.name for p in world.db.parent.glob("actant.db.d/*")]
    assert runs[0] not in folders
    assert world.show(runs[3])["result"].startswith("1\n2\n")


@pytest.mark.parametrize("words", ["gc --keep 0 --status failed", "gc --keep 0 --limit 1", "list --keep 1",
                                   "events RUN --at 3", "verify RUN --at 1", "show RUN --limit 1"])
def test_an_option_of_another_verb_is_refused(world, words):
    """It would seem to be obeyed: `gc --status failed` must not remove what succeeded."""
    run = world.json("run", world.write("run: exit 0"))["run"]
    said = world("history", *words.replace("RUN", run).split(), code=2).err
    assert f"takes no {[w for w in words.split() if w.startswith('--')][-1]}" in said
    assert world.last_run() == run


def test_gc_by_size_removes_the_oldest_until_the_rest_fits(world):
    flow = world.write("run: seq 1 60000")  # about 340 KB of output
    runs = [world.json("run", flow)["run"] for _ in range(4)]
    every = world.json("history", "gc", "--max-size", "0", "--dry-run")
    assert every["removed"] == runs and every["bytes"] > 4 * 300000
    assert world.json("history", "gc", "--max-size", "1T")["removed"] == []
    assert world.json("history", "gc", "--max-size", "750K", "--keep", "3", "-n")["removed"] == runs[:1]
    assert world.json("history", "gc", "--max-size", "750K")["removed"] == runs[:2]
    assert world.json("history", "gc", "--max-size", "750K")["removed"] == []
    for size in ("", "-1", "2X", "K", "1.5G", "99999999999999999999", "99999999T"):
        done = world("history", "gc", f"--max-size={size}", code=2)
        assert "is no size" in done.err or "needs to know" in done.err or "wants SIZE" in done.err, size
    assert len(world.json("history", "list")["runs"]) == 2


def test_gc_keeps_failures_longer(world):
    good = world.run("run: echo x")["run"]
    bad = world.run("run: exit 1", code=1)["run"]
    late = world.run("run: echo y")["run"]
    assert world.json("history", "gc", "--keep", "0", "--keep-failed", "1d")["removed"] == [good, late]
    assert world.json("history", "gc", "--keep", "0", "--keep-failed", "0s")["removed"] == [bad]
    assert "--keep-failed" in world("history", "gc", "--keep", "1", "--keep-failed", "soon", code=2).err


def test_logs(world):
    world.run(FLOW)
    assert world("logs", "last", "a", code=0).out == "out-a\nerr-a\n"
    assert world("logs", "last", "a", "--stream", "err", code=0).out == "err-a\n"
    both = world("logs", "last", code=0).out
    assert "a | out-a\n" in both and "a | err-a\n" in both
    lines = [json.loads(x) for x in world("logs", "last", "a", "--json", code=0).out.splitlines()]
    assert lines[0] == {"node": "a", "attempt": 1, "stream": "out", "text": "out-a"}
    assert "did you mean" in world("logs", "last", "aa", code=2).err or True
    assert "no node" in world("logs", "last", "nothing_like_it", code=2).err


def test_logs_keep_the_order_of_the_reads(world):
    """Each line is written once the one before it was read: what comes on two ways at once has no order."""
    process = world.start("run", world.write(
        "run: 'said() { while [ ! -e $1 ]; do sleep 0.02; done; }; "
        "for i in 1 2 3; do echo o$i; said o$i; echo e$i >&2; said e$i; done'"))
    lines = []
    for line in ("o1", "e1", "o2", "e2", "o3", "e3"):
        lines.append(line + "\n")
        world.wait(f"{line} in its place", lambda: world("logs", "last").out == "".join(lines))
        (world.path / line).touch()
    world.end(process, 0)
    assert world("logs", "last", code=0).out == "o1\ne1\no2\ne2\no3\ne3\n"


def test_logs_follow_a_live_run_from_another_process(world):
    flow = world.write("chain:\n- {id: a, run: 'echo first; touch up; while [ ! -e go ]; do sleep 0.02; done; "
                       "echo second'}\n- {id: b, run: echo third}\n")
    process = world.start("run", flow)
    world.wait_file("up")
    run = world.last_run()
    follower = world.start("logs", "-f", run)
    assert os.read(follower.stdout.fileno(), 100) == b"a | first\n"
    again = world.start("logs", "-f", run, "a")
    assert os.read(again.stdout.fileno(), 100) == b"first\n"
    assert not select.select([again.stdout], [], [], 0.5)[0]  # and not once more
    (world.path / "go").touch()
    world.end(process, 0)
    assert world.end(follower, 0)[0] == "a | second\nb | third\n"
    assert world.end(again, 0)[0] == "second\n"


def test_a_reader_that_does_not_read_holds_nobody_up(world):
    """Fault 43: the run ends, however long its reader takes; then the reader gets all of it."""
    flow = world.write("chain:\n- {id: a, run: 'touch up; while [ ! -e go ]; do sleep 0.02; done; seq 1 300000'}\n"
                       "- {id: b, run: echo last}\n")
    process = world.start("run", flow, "-q")
    world.wait_file("up")
    follower = world.start("logs", "-f", world.last_run())
    (world.path / "go").touch()
    world.end(process, 0)  # two megabytes are in the way of its pipe, which nobody empties
    assert follower.poll() is None
    lines = world.end(follower, 0)[0].splitlines()
    assert [line for line in lines if line.startswith("a | ")] == [f"a | {n}" for n in range(1, 300001)]
    assert lines[-1] == "b | last"


def test_explain_a_skip_with_the_values_that_decided(world):
    world.run("chain:\n- {id: probe, run: echo blue}\n"
              "- {id: act, if: \"nodes.probe.result == 'red'\", run: echo acted}\n")
    told = world.json("explain", "last", "act")
    assert told["node"] == "act" and told["verdict"] == "skipped"
    rows = {b["expr"]: b for b in told["because"]}
    whole = next(b for e, b in rows.items() if "==" in e)
    assert whole["value"] is False
    assert rows["nodes.probe.result"]["value"] == "blue" and rows["nodes.probe.result"]["node"] == "probe"
    assert "nodes.probe.result" in world("explain", "last", "act", code=0).out


def test_explain_a_failure_an_upstream_skip_and_a_wait(world):
    world.run("dag:\n  a: {run: exit 4}\n  b: {needs: [a], run: echo b}\n", code=1)
    told = world.json("explain", "last", "a")
    assert told["verdict"] == "failed"
    assert {"expr": "exit_code", "value": 4, "node": "a"} in told["because"]
    told = world.json("explain", "last", "b")
    assert told["verdict"] == "skipped"
    assert {"expr": "nodes.a.status", "value": "failed", "node": "a"} in told["because"]
    process = world.start("run", world.write("{id: w, wait: go}"))
    run = world.wait("the new run", lambda: next(
        (r["run"] for r in world.json("history", "list")["runs"] if r["status"] == "running"), None))
    world.wait("it waits", lambda: world.node("w", run) and world.node("w", run)["status"] == "parked")
    told = world.json("explain", run, "w")
    assert told["verdict"] == "parked"
    assert {"expr": "signal", "value": "go", "node": "w"} in told["because"]
    process.terminate()
    world.end(process)


def test_explain_a_branch(world):
    world.run("chain:\n- {id: n, value: 3}\n- if: nodes.n.result > 5\n  then: {id: big, value: big}\n"
              "  else: {id: small, value: small}\n")
    told = world.json("explain", "last", "small")
    assert any(">" in b["expr"] and b["value"] is False for b in told["because"])
    told = world.json("explain", "last", "big")
    assert told["verdict"] in ("not reached", "skipped")


def test_verify(world):
    world.run(FLOW)
    assert world.json("history", "verify", "last")["verified"] is True


def test_history_can_be_read_while_a_run_writes(world):
    process = world.start("run", world.write("for: ${{ range(200) }}\ndo: {run: echo x}\n"))
    world.last_run()
    while process.poll() is None:
        world("history", "show", "last", "--json", code=0)
    world.end(process, 0)


def test_a_closed_pipe_is_no_crash(world):
    world.run("run: seq 1 200000")
    done = subprocess.run(f'"{os.environ.get("ACTANT", "actant")}" logs last | head -n 1', shell=True,
                          env=world.env, capture_output=True, text=True)
    assert done.stdout == "1\n" and not re.search("Sanitizer|core dumped", done.stderr)


def waits(world, run, node):
    told = world.json("explain", run, node)
    return {b["expr"].removeprefix("waited for "): b["value"] for b in told["because"] if b["expr"].startswith("waited")}


def test_explain_says_for_what_a_node_waited_and_who_was_in_its_way(world):
    world.run("group:\n- {id: a, run: sleep 0.2}\n- {id: b, run: sleep 0.2}\n- {id: c, run: 'true;'}\n", "-j", "2")
    slot = waits(world, "last", "c")["a slot"]
    assert slot["ms"] >= 100 and slot["held_at_once"] == 2 and slot["by"] == ["a", "b"]
    assert not slot["waits_still"] and not waits(world, "last", "a")
    assert "waited" in world("explain", "last", "c", code=0).out and "by a, b" in world("explain", "last", "c").out

    world.run("group:\n- {id: a, run: sleep 0.2, limits: db}\n- {id: b, run: 'true;', limits: db}\n"
              "- {id: c, run: sleep 0.3, limits: other}\n", "-j", "4")
    limits = waits(world, "last", "b")["its limits"]
    assert limits["ms"] >= 100 and limits["by"] == ["a"]

    world.run("group:\n- {id: a, run: sleep 0.2}\n- {id: b, run: 'true;'}\nparallel: 1\n", "-j", "4")
    assert waits(world, "last", "b")["its place in `parallel`"]["ms"] >= 100

    world.run("dag:\n  a: {run: sleep 0.2}\n  b: {run: 'true;', needs: a, delay: 200ms}\n")
    told = waits(world, "last", "b")
    assert told["its needs"]["ms"] >= 100 and told["its delay"]["ms"] >= 200

    world.run("{id: a, run: exit 1, retry: {max: 1, delay: 200ms}}", code=1)
    assert waits(world, "last", "a")["its next attempt"]["ms"] >= 200


def test_explain_says_what_a_node_waits_for_now(world):
    process = world.start("run", world.write(
        "group:\n- {id: a, run: 'while [ ! -e go ]; do sleep 0.02; done'}\n- {id: b, run: 'true;'}\n"), "-j", "1")
    run = world.wait("the run", lambda: next(
        (r["run"] for r in world.json("history", "list")["runs"] if r["status"] == "running"), None))
    world.wait("a runs", lambda: world.node("a", run) and world.node("a", run)["status"] == "running")
    slot = waits(world, run, "b")["a slot"]
    assert slot["waits_still"] and slot["by"] == ["a"]
    assert "has waited" in world("explain", run, "b", code=0).out
    (world.path / "go").touch()
    world.end(process, 0)

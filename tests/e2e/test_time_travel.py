"""history show --at: the run as it stood after an event."""

import json

FLOW = """
chain:
- {id: a, run: echo one}
- {id: b, run: 'echo two; test -e ok'}
- {id: c, run: echo three}
"""


def events(world, run="last"):
    lines = world("history", "events", run, "--json", code=0).out.splitlines()
    return [json.loads(line) for line in lines]


def at(world, seq, run="last"):
    return world.json("history", "show", run, "--at", str(seq))


def test_every_event_is_a_point_to_look_from(world):
    run = world.run(FLOW, code=1)["run"]
    (world.path / "ok").touch()
    world.json("retry", run)
    log = events(world, run)
    now = world.show(run)
    ends = {}
    for event in log:
        doc = at(world, event["seq"], run)
        assert set(doc) == set(now) | {"at"}
        assert doc["at"] == {"seq": event["seq"], "time": event["at"]}
        if event["type"] == "node_ended":
            ends[event["node"]] = event["status"]
        if event["type"] == "dispatched":
            ends.pop(event["node"], None)
        told = {n["id"]: n["status"] for n in doc["nodes"] if n["ended_at"]}
        for node in ("a", "b", "c"):
            assert told.get(node) == ends.get(node), (event, node)
    failed = next(e["seq"] for e in log if e["type"] == "run_ended")
    doc = at(world, failed, run)
    assert doc["status"] == "failed" and doc["error"]["node"] == "b" and doc["result"] is None
    assert at(world, failed - 1, run)["status"] == "running"
    again = at(world, failed + 1, run)  # the retry
    assert again["status"] == "running" and again["error"] is None
    last = at(world, len(log), run)
    assert last.pop("at") and last == now


def test_in_the_middle_of_a_batch_the_rest_of_it_has_not_happened(world):
    world.run("value: 1")
    assert [e["type"] for e in events(world)] == ["run_started", "node_ended", "run_ended"]
    first, second = at(world, 1), at(world, 2)
    assert first["status"] == "running" and first["nodes"] == [] and first["result"] is None
    assert second["status"] == "running" and second["nodes"][0]["result"] == 1
    assert at(world, 3)["status"] == "succeeded" and at(world, 3)["result"] == 1


def test_in_words(world):
    world.run(FLOW, code=1)
    assert "as it stood after event 1," in world("history", "show", "last", "--at", "1", code=0).out


def test_what_is_no_event_is_refused(world):
    world.run("value: 1")
    for seq in ("0", "4", "999999999999999999"):
        assert "no event" in world("history", "show", "last", "--at", seq, code=2).err
    for seq in ("-1", "x", "1.5", "9999999999999999999", ""):
        world("history", "show", "last", "--at=" + seq, code=2)


def explain_at(world, node, seq, code=0):
    return world.json("explain", "last", node, "--at", str(seq), code=code)


def test_explain_at_every_event_agrees_with_show(world):
    run = world.run(FLOW, code=1)["run"]
    (world.path / "ok").touch()
    world.json("retry", run)
    for event in events(world, run):
        told = {n["id"]: n for n in at(world, event["seq"], run)["nodes"]}
        ended = at(world, event["seq"], run)["status"] in ("succeeded", "failed")
        for node in ("a", "b", "c"):
            why = explain_at(world, node, event["seq"])
            status = told[node]["status"] if node in told else "pending"
            wanted = ("not reached" if ended else "pending") if status == "pending" else status
            assert why["verdict"] == wanted, (event, node)
            assert why["at"] == {"seq": event["seq"], "time": event["at"]}
    assert "at" not in world.json("explain", run, "b")


def test_explain_at_knows_no_decision_that_came_later(world):
    world.run("chain:\n- {id: a, run: echo yes}\n- {id: b, if: \"${{ nodes.a.result == 'no' }}\", run: 'true'}\n")
    skipped = next(e["seq"] for e in events(world) if e["type"] == "node_ended" and e["node"] == "b")
    before, after = explain_at(world, "b", skipped - 1), explain_at(world, "b", skipped)
    assert before["verdict"] == "pending" and after["verdict"] == "skipped"
    assert after["because"][0]["value"] is False
    for early in (before, explain_at(world, "b", 1)):
        assert not [x for x in early["because"] if x["value"] is False]
    ran = next(e["seq"] for e in events(world) if e["type"] == "dispatched")
    assert {"expr": "nodes.a.status", "value": "running", "node": "a"} in explain_at(world, "b", ran)["because"]
    text = world("explain", "last", "b", "--at", str(skipped), code=0).out
    assert f"as it stood after event {skipped}," in text and "if:" in text


def test_explain_at_names_what_came_later(world):
    world.run("{for: [1, 2, 3], do: {run: 'echo ${{ item }}'}}", "-j", "1")
    log = events(world)
    third = next(e["seq"] for e in log if e["type"] == "dispatched" and e["node"] == "do[2]")
    early = explain_at(world, "do[2]", 1)
    assert early["node"] == "do[2]" and early["verdict"] == "pending"
    assert explain_at(world, "do[2]", third)["verdict"] == "running"
    assert explain_at(world, "do[2]", len(log))["verdict"] == "succeeded"
    assert "no node" in world("explain", "last", "do[3]", "--at", "1", code=2).err


def test_explain_at_no_event_is_refused(world):
    world.run("value: 1")
    for seq in ("0", "4", "x"):
        world("explain", "last", "value", "--at", seq, code=2)

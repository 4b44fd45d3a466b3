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

"""Fault 51 on the program: cancels that race with a run's end. One end, one verdict, and everybody says the same."""

import json
import threading

ROUNDS = 25
FLOW = "try: {run: 'touch up; until [ -e go ]; do sleep 0.01; done'}\nfinally: {run: touch tidied}\n"


def race(world, number, run, process):
    """The first cancel comes while the task cannot end, the last one when the run has ended; between them the task
    ends from well before to well after the cancel: the inbox is looked at four times a second."""
    go = (world.path / "go").touch
    if number == ROUNDS - 1:
        go()
        ended = world.end(process)
        return world("cancel", run), ended
    opener = threading.Timer(number * 0.02, go)
    if number > 0:
        opener.start()
    cancel = world("cancel", run)
    ended = world.end(process)
    opener.cancel()
    if number > 0:
        opener.join()
    return cancel, ended


def test_one_verdict(world):
    flow = world.write(FLOW)
    verdicts = []
    for i in range(ROUNDS):
        for name in ("up", "go", "tidied"):
            (world.path / name).unlink(missing_ok=True)
        process = world.start("run", flow, "--json")
        world.wait_file("up")
        run = world.last_run()
        cancel, (out, _) = race(world, i, run, process)
        doc = json.loads(out)
        assert (process.returncode, doc["status"]) in ((0, "succeeded"), (4, "cancelled"))
        assert doc["run"] == run and (world.path / "tidied").exists()
        shown = world.show(run)
        assert shown["status"] == doc["status"]
        events = [json.loads(e) for e in world("history", "events", run, "--json", code=0).out.splitlines()]
        assert [e["type"] for e in events].count("run_ended") == 1
        assert events[-1]["type"] == "run_ended"
        cancels = [e["type"] for e in events].count("cancel")
        assert cancels == (doc["status"] == "cancelled")
        # Who was told that it had ended already had not cancelled it.
        assert not (doc["status"] == "cancelled" and "ended already" in cancel.err)
        world("history", "verify", run, code=0)
        verdicts.append(doc["status"])
    assert verdicts[0] == "cancelled" and verdicts[-1] == "succeeded", verdicts
    assert "ended already" in cancel.err

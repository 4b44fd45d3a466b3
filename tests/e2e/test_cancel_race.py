"""Fault 51 on the program: cancels that race with a run's end. One end, one verdict, and everybody says the same."""

import json

ROUNDS = 25
FLOW = "try: {run: 'touch up; exec sleep 0.4'}\nfinally: {run: touch tidied}\n"


def test_one_verdict(world):
    flow = world.write(FLOW)
    verdicts = set()
    for i in range(ROUNDS):
        (world.path / "up").unlink(missing_ok=True)
        (world.path / "tidied").unlink(missing_ok=True)
        process = world.start("run", flow, "--json")
        world.wait_file("up")
        # From well before the task's end to well after it: the inbox is looked at four times a second.
        world.end(world.start("run", world.write(f"sleep: {i * 20 + 1}ms", "pause.yaml"), "--no-history"))
        run = world.last_run()
        cancel = world("cancel", run)
        out, _ = world.end(process)
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
        verdicts.add(doc["status"])
    assert verdicts == {"succeeded", "cancelled"}, verdicts

"""A `signal` node with `to`: it goes into the other run's inbox in the transaction of the batch that
says that it was sent."""

import json
import os
import subprocess
import time

import pytest

ACTANT = os.environ["ACTANT"]
PATIENCE_S = 300
SENDER = "params: {to: {type: string}}\nsignal: go\nto: ${{ params.to }}\nwith: {x: 1}\n"


@pytest.fixture
def env(tmp_path):
    kept = {k: v for k, v in os.environ.items() if k not in ("CI", "GITHUB_ACTIONS")}
    return {**kept, "ACTANT_DB": str(tmp_path / "actant.db")}


def actant(env, *args, text=None):
    return subprocess.run([ACTANT, *args], env=env, input=text or "", capture_output=True, text=True,
                          timeout=PATIENCE_S)


def newest(env):
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        done = actant(env, "history", "list", "--json")
        runs = json.loads(done.stdout)["runs"] if done.returncode == 0 else []
        if runs:
            return runs[0]["run"]
        time.sleep(0.05)
    raise AssertionError("no run was listed")


def test_a_run_wakes_another(env):
    waiting = subprocess.Popen([ACTANT, "run", "-", "--json"], env=env, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True)
    waiting.stdin.write("chain: [{wait: go}, {value: 'got ${{ prev }}'}]\n")
    waiting.stdin.close()
    run = newest(env)
    assert actant(env, "run", "-", "-p", f"to={run}", text=SENDER).returncode == 0
    document = json.loads(waiting.stdout.read())
    assert waiting.wait(timeout=PATIENCE_S) == 0
    assert document["result"] == 'got {"x":1}'


def test_a_signal_to_a_run_that_has_ended_is_told_and_harms_nobody(env):
    assert actant(env, "run", "-", text="value: 1\n").returncode == 0
    sent = actant(env, "run", "-", "-p", f"to={newest(env)}", text=SENDER)
    assert sent.returncode == 0
    assert "was not sent" in sent.stderr

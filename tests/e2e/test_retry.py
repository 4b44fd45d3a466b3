"""`actant retry`: new attempts of what failed, and of that alone. What had succeeded stays, however it is wrapped."""

import pytest

# The workflow, and what is done at first and by the retry. `ok`: 0 or 1, once it is there.
TRIES = {
    "body": ("try:\n  chain: ['echo a >> log', 'echo b >> log; test -e ok']\nfinally: echo f >> log\n", "abf", "bf"),
    "group in the body": ("try:\n  group: ['echo a >> log', 'test -e ok && echo b >> log']\nfinally: echo f >> log\n",
                          "af", "bf"),
    "finally alone": ("try:\n  chain: ['echo a >> log']\nfinally:\n"
                      "  chain: ['echo f >> log', 'echo g >> log; test -e ok']\n", "afg", "g"),
    "catch": ("try:\n  chain: ['echo a >> log', 'echo b >> log; test -e ok']\ncatch: 'echo c >> log; test -e ok'\n"
              "finally: echo f >> log\n", "abcf", "bf"),
    "finally after a catch": ("try: 'echo b >> log; exit 1'\ncatch: {id: c, run: 'echo c >> log; echo ${{ error.exit_code }} >> log'}\n"
                              "finally: 'echo ${{ error == null }} >> log; test -e ok'\n", "bc1true", "true"),
    "in a try": ("try:\n  try:\n    chain: ['echo a >> log', 'echo b >> log; test -e ok']\n  finally: echo f >> log\n"
                 "finally: echo g >> log\n", "abfg", "bfg"),
}


def log(world):
    file = world.path / "log"
    text = "".join(file.read_text().split()) if file.exists() else ""
    file.write_text("")
    return text


@pytest.mark.parametrize("name", TRIES)
def test_a_try_is_taken_up_where_it_failed(world, name):
    text, first, again = TRIES[name]
    run = world.json("run", world.write(text), code=1)["run"]
    assert log(world) == first
    (world.path / "ok").touch()
    assert world.json("retry", run)["status"] == "succeeded"
    assert log(world) == again
    world("history", "verify", run, code=0)


def test_what_must_not_start_twice_does_not_when_what_came_after_it_is_retried(world):
    run = world.json("run", world.write(
        "try:\n  chain: [{id: charge, idempotent: false, run: echo charged >> log}, {id: mail, run: test -e ok}]\n"
        "finally: 'true'\n"), code=1)["run"]
    (world.path / "ok").touch()
    world.json("retry", run)
    assert log(world) == "charged"


def test_from_a_node_of_the_catch(world):
    """The body keeps the failure that the catch sees."""
    run = world.json("run", world.write(
        "try: {id: b, run: 'echo b >> log; exit 7'}\ncatch: {id: c, run: 'echo ${{ error.exit_code }} >> log'}\n"))["run"]
    assert log(world) == "b7"
    assert world.json("retry", run, "--from", "c")["status"] == "succeeded"
    assert log(world) == "7"
    assert world.json("retry", run, "--from", "b")["status"] == "succeeded"
    assert log(world) == "b7"


def test_what_was_undone_is_done_again(world):
    run = world.json("run", world.write(
        "try:\n  chain: [{run: 'echo a >> log', undo: {run: 'echo u >> log'}}, 'test -e ok']\n"
        "finally: echo f >> log\n"), code=1)["run"]
    assert sorted(log(world)) == sorted("auf")
    (world.path / "ok").touch()
    assert world.json("retry", run)["status"] == "succeeded"
    assert log(world) == "af"

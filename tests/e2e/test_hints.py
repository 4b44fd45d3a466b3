"""What messages say: names that lead to a node, commands that a shell takes, no line without sense."""

import os
import subprocess

import pytest

import conftest

LOOPS = """
chain:
  - {for: [1, 2], do: {run: 'echo a${{ item }}', id: one}}
  - {for: [1], do: {chain: ['true']}}
"""


def test_an_id_is_never_null(world):
    world.run(LOOPS)
    nodes = world.show()["nodes"]
    assert all(n["id"] is not None for n in nodes)
    assert {n["id"] for n in nodes if n["path"] == "chain[1]"} == {"chain[1]"}
    assert nodes[0]["path"] == "" and nodes[0]["id"] == ""


def test_the_last_steps_of_a_path_name_a_node(world):
    world.run(LOOPS)
    assert world("logs", "last", "chain[0].do[1]", code=0).out == "a2\n"
    assert world("logs", "last", "do[1]", code=0).out == "a2\n"
    assert "chain[0].do[1]" in world("explain", "last", "do[1]", code=0).out
    several = world("explain", "last", "do[0]", code=2).err
    assert "2 paths end with 'do[0]': chain[0].do[0], chain[1].do[0]" in several
    assert "no node 'o[1]'" in world("explain", "last", "o[1]").err
    assert "did you mean 'chain[0].do[0]', 'chain[0].do[1]'" in world("explain", "last", "do[7]").err


def run_offer(world, done):
    """The commands that the end of a run offers, as a shell takes them; gives what they exit with."""
    offered = [line.split("#")[0] for line in done.err.split("next\n")[1].splitlines()]
    path = f"{os.path.dirname(conftest.ACTANT)}:{world.env['PATH']}"
    return {line.split()[1]: subprocess.run(line, shell=True, env={**world.env, "PATH": path},
                                            cwd=world.path, stdin=subprocess.DEVNULL,
                                            capture_output=True,
                                            timeout=conftest.PATIENCE_S).returncode
            for line in offered}


@pytest.mark.parametrize("name", ["bad", "my flow"])
def test_a_run_that_is_one_node_has_the_workflow_s_name(world, name):
    flow = world.write(f"name: {name}\nrun: 'echo once >> log; exit 1'\n")
    done = world("run", flow, code=1)
    assert run_offer(world, done) == {"logs": 0, "explain": 0, "retry": 1}
    for again in (world("attach", "last", code=1), world("retry", "last", code=1)):
        assert run_offer(world, again)["explain"] == 0
    first = world.last_run()
    assert world("explain", first, name, code=0).out.startswith(f"{name}: failed")
    begun = len((world.path / "log").read_text().split())
    world("retry", first, "--from", name, code=1)
    assert world.json("fork", first, "--from", name, code=1)["from"]["node"] == name
    assert len((world.path / "log").read_text().split()) == begun + 2
    world("history", "verify", first, code=0)


def test_a_box_at_the_top_has_the_workflow_s_name(world):
    flow = world.write("for: [1, 2]\ndo: {run: 'exit 1'}\n", "top.yaml")
    document = world.json("run", flow, code=1)
    assert "members failed" in world("explain", "last", document["error"]["node"], code=0).out
    world("retry", "last", "--from", "top", code=1)


def test_a_node_s_id_goes_before_the_workflow_s_name(world):
    flow = world.write("name: a\nchain:\n- {id: b, run: echo b >> log}\n- {id: a, run: echo a >> log}\n")
    world("run", flow, code=0)
    assert "chain[1]" in world("history", "show", "last", code=0).out
    world("retry", "last", "--from", "a", code=0)
    assert (world.path / "log").read_text().split() == ["b", "a", "a"]


def test_a_file_that_cannot_be_read_has_no_line_to_show(world):
    done = world("validate", "nosuch.yaml", code=2)
    assert "nosuch.yaml" in done.err + done.out
    assert "|" not in done.err + done.out and "^" not in done.err + done.out


def test_a_reader_that_goes_is_no_mistake(world):
    world.run("run: seq 1 200000")
    ours, theirs = os.pipe()
    os.close(ours)
    done = subprocess.run([conftest.ACTANT, "logs", "last"], env=world.env, cwd=world.path,
                          stdin=subprocess.DEVNULL, stdout=theirs, stderr=subprocess.PIPE,
                          timeout=conftest.PATIENCE_S)
    os.close(theirs)
    assert (done.returncode, done.stderr) == (0, b"")


def test_commands_that_are_offered_are_quoted(world):
    done = world("run", world.write("chain: [echo fine, 'exit 3']"), code=1)
    assert " 'chain[1]'   # why it ran" in done.err


def test_a_tolerated_failure_is_never_first(world):
    flow = world.write("""
chain:
  - {id: soft, run: exit 4, on_error: continue}
  - {id: again, run: 'test -e there || { touch there; exit 6; }', retry: {max: 1, delay: 1ms}}
  - {chord: {group: [{id: hard, run: exit 5}], then: 'true'}}
""")
    summary = world.path / "summary.md"
    done = world("run", flow, env={"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)},
                 code=1)
    lines = [line for line in summary.read_text().splitlines() if line.startswith("- ")]
    assert lines == ["- `hard`: exit code 5", "- `soft`: exit code 4 (tolerated)"]
    assert " hard   # why it ran" in done.err


def test_a_mistake_without_a_remedy_has_no_help_line(world):
    for text in ("[1]", "not true", "1 ? 2 : 3", 'len(1)', "", "1 +"):
        done = world("eval", text, code=2)
        assert "help: \n" not in done.err and "error: " in done.err, done.err
    assert "\n  1 +\n     ^" in world("eval", "1 +").err


def test_a_first_attempt_that_is_put_off_starts_at_a_time(world):
    err = world("run", world.write("{run: 'true', delay: 30ms}"), code=0).err
    assert "starts at 2" in err and "next attempt" not in err
    err = world("run", world.write("{run: 'false', retry: {max: 1, delay: 30ms}}"), code=1).err
    assert "waits before its next attempt, until 2" in err


def test_a_run_under_way_is_followed_by_its_log(world):
    process = world.start("run", world.write("run: touch here; sleep 100"))
    world.wait_file("here")
    run = world.last_run()
    assert f"`actant logs -f {run}` follows it" in world("resume", run).err
    world("cancel", run, code=0)
    out, err = world.end(process, 4)
    assert "cancelled: cancelled" not in err
    run = world.run("value: 1")["run"]
    assert f"run {run} succeeded: there is nothing to retry" in world("retry", "last", code=2).err


def test_a_signal_that_does_not_fit_is_named(world):
    process = world.start("run", world.write("chain: [{wait: go, params: {n: {type: integer}}}]"))
    run = world.last_run()
    world.wait("a wait", lambda: any(n["status"] == "parked" for n in world.show(run)["nodes"]))
    world("signal", run, "go", '{"n": "x"}', code=0)
    world("signal", run, "go", '{"n": 1}', code=0)
    out, err = world.end(process, 0)
    assert "the signal 'go' was dropped: " in err


def test_what_is_not_supported_names_the_file(world):
    flow = world.write("triggers: {schedule: [{cron: '* * * * *'}]}\nrun: 'true'\n")
    assert f"{flow}: error: not supported yet: triggers" in world("run", flow, code=2).err


def test_secrets_that_are_shown_or_null_are_warned_of(world):
    flow = world.write("dag: {t: {run: 'echo $S', env: {S: '${{ secrets.T }}'}}}")
    done = world("run", flow, env={"ACTANT_SECRET_T": "abc"}, code=0)
    assert "not masked in output, shorter than 4 characters: T" in done.err
    for quiet in ([], ["--quiet"]):
        done = world("run", flow, *quiet, env={"ACTANT_SECRET_T": "long-enough"}, code=0)
        assert "not masked" not in done.err
        assert "warning: t: its result held a secret and is stored as null" in done.err


def test_a_file_of_a_secret_lies_beside_the_configuration(world):
    world.write('secrets = ["T=@tok"]\n', "actant.toml")
    world.write("long-enough", "tok")
    (world.path / "below").mkdir()
    flow = world.write("run: 'test \"$S\" = long-enough'\nenv: {S: '${{ secrets.T }}'}")
    world("run", flow, cwd=world.path / "below", code=0)

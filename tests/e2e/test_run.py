"""`actant run`: its document, its exit codes, what it prints, what it is given."""

import json
import os
import re

import pytest

KEYS = ["run", "workflow", "status", "result", "outputs", "tolerated", "started_at", "duration_ms",
        "spec", "from", "error"]


def test_the_document_has_exactly_the_promised_keys(world):
    doc = world.run("run: echo hello")
    assert list(doc) == KEYS
    assert doc["workflow"] == "flow" and doc["status"] == "succeeded" and doc["result"] == "hello"
    assert doc["outputs"] == {} and doc["tolerated"] == 0 and doc["from"] is None
    assert doc["error"] is None
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", doc["started_at"])
    assert isinstance(doc["duration_ms"], int)
    assert set(doc["spec"]) == {"hash", "path", "commit", "dirty"}
    assert re.fullmatch("[0-9a-f]{64}", doc["spec"]["hash"])
    assert doc["spec"]["path"] == str(world.path / "flow.yaml")


def test_results_stay_off_standard_output_unless_asked_for(world):
    done = world("run", world.write("run: echo hello; echo oops >&2"), code=0)
    assert done.out == ""
    assert "hello\n" in done.err and "oops\n" in done.err and "succeeded" in done.err


def test_a_failure_names_node_cause_lines_and_what_to_do_next(world):
    flow = world.write("chain:\n- {id: first, run: echo fine}\n"
                       "- {id: broken, run: 'echo reason >&2; exit 7'}\n- run: echo never\n")
    done = world("run", flow, code=1)
    run = world.last_run()
    assert "broken: exit code 7" in done.err and "| reason" in done.err
    for line in (f"actant logs {run} broken", f"actant explain {run} broken", f"actant retry {run}"):
        assert line in done.err
    doc = world.json("resume", run, code=1)
    assert doc["error"]["node"] == "broken" and doc["error"]["cause"] == "exit"
    assert "7" in doc["error"]["message"] and doc["error"]["causes"] == []


@pytest.mark.parametrize("text, code", [
    ("run: 'true'", 0), ("run: 'false'", 1), ("fail: because", 1), ("runn: x", 2),
    ("{run: sleep 100, timeout: 100ms}", 1),
], ids=["well", "failed", "fail", "invalid", "timeout"])
def test_exit_codes(world, text, code):
    world("run", world.write(text), code=code)


@pytest.mark.parametrize("option", ["--dry-run", "-pn=5", "--no-history"])
def test_run_resume_takes_what_resume_takes(world, option):
    """What is not obeyed is not swallowed: a dry run must do nothing."""
    world("run", world.write("run: 'echo done >> log; test -e mended'"), code=1)
    (world.path / "log").unlink()
    assert "`actant run --resume` takes no --" in world("run", "--resume", "last", option, code=2).err
    assert not (world.path / "log").exists()


def test_usage(world):
    flow = world.write("run: echo hi")
    for args, words in [
        (["run"], "which file"), (["run", flow, "--jbs", "2"], "--jobs"),
        (["run", flow, "-j", "many"], "whole number"), (["run", flow, "--durability", "x"], "process"),
        (["run", flow, "--ref", "main"], "--ref is not supported yet"),
        (["run", flow, "--repo", "."], "not supported yet"),
        (["serve"], "not supported yet"),
        (["rn", flow], "actant run"), (["run", flow, "extra"], "one word too many"),
        (["run", flow, "-p", "x"], "NAME=VALUE"), (["history", "lst"], "list"),
        (["signal", "last", "x", "{"], "JSON"),
    ]:
        done = world(*args, code=2)
        assert words in done.err, (args, done.err)
        assert done.out == ""


def test_two_dashes_end_the_options(world):
    flow = world.write("run: echo hi", "-odd.yaml")
    world("run", "--", flow.name, code=0)


def test_standard_input_is_a_file(world):
    doc = world.json("run", "-", input=b"run: pwd")
    assert doc["result"] == str(world.path) and doc["spec"]["path"] == "<stdin>"
    done = world("validate", "-", input=b"runn: x", code=2)
    assert "<stdin>:1:1: error" in done.out


def test_tasks_run_in_the_files_folder(world):
    flow = world.write("run: pwd", "deep/er/flow.yaml")
    assert world.json("run", flow, cwd="/")["result"] == str(flow.parent)


PARAMS = """
params:
  name: {type: string, required: true}
  count: {type: integer, default: 2}
  tags: {type: list, default: []}
  level: {type: string, enum: [low, high], default: low}
value: ${{ params }}
"""


def test_params_are_typed(world):
    doc = world.run(PARAMS, "-p", "name=a=b", "-p", "count=7", "--param", 'tags=["x"]')
    assert doc["result"] == {"name": "a=b", "count": 7, "tags": ["x"], "level": "low"}


@pytest.mark.parametrize("args, words", [
    ([], "-p name="), (["-p", "name=x", "-p", "count=many"], "count"),
    (["-p", "name=x", "-p", "level=mid"], "level"), (["-p", "name=x", "-p", "nam=y"], "nam"),
    (["-p", "name=x", "-p", "name=y"], "twice"),
], ids=["missing", "type", "enum", "unknown", "twice"])
def test_params_that_do_not_fit(world, args, words):
    done = world("run", world.write(PARAMS), *args, code=2)
    assert words in done.err


def test_dry_run_does_nothing(world):
    flow = world.write("run: touch made")
    done = world("run", flow, "--dry-run", code=0)
    assert "touch made" in done.out and "nothing was done" in done.out
    assert world.json("run", flow, "--dry-run")["dry_run"] is True
    assert not (world.path / "made").exists() and not world.db.exists()


def test_quiet(world):
    done = world("run", world.write("run: echo hi"), "-q", code=0)
    assert done.out == "" and done.err == ""


def test_several_tasks_have_their_names_before_their_lines(world):
    done = world("run", world.write("dag:\n  a: echo one\n  b: echo two\n"), code=0)
    assert "a | one\n" in done.err and "b | two\n" in done.err
    assert "a: started" in done.err and "b: succeeded" in done.err


def test_jobs_bound_what_runs_at_once(world):
    text = "for: ${{ range(12) }}\ndo: {run: 'echo s >> log; sleep 0.02; echo e >> log'}\n"
    world.run(text, "-j", "2")
    now = most = 0
    for line in (world.path / "log").read_text().split():
        now += 1 if line == "s" else -1
        most = max(most, now)
    assert most <= 2


def test_a_large_result_stands_in_the_document_whole(world):
    doc = world.run("run: seq 1 40000")
    assert doc["result"] == "\n".join(map(str, range(1, 40001)))
    doc = world.run('{run: \'printf "[1"; seq 2 30000 | sed "s/^/, /"; echo "]"\', output: json}')
    assert doc["result"] == list(range(1, 30001))
    doc = world.run("{run: seq 1 30000, output: lines}")
    assert doc["result"] == [str(i) for i in range(1, 30001)]


def test_output_of_any_encoding(world):
    doc = world.run(r"run: printf 'a\377b\303\251\n'")
    assert doc["result"] == "a\ufffdbé"


def test_environment(world):
    flow = world.write("run: 'echo \"${ONE-none} ${TWO-none} ${HOME:+home}\"'")
    env = {"ONE": "1", "TWO": "2"}
    assert world.json("run", flow, env=env)["result"] == "1 2 home"
    assert world.json("run", flow, "--clean-env", env=env)["result"] == "none none home"
    assert world.json("run", flow, "--clean-env", "--env", "TWO", env=env)["result"] == "none 2 home"


def test_hash_files_is_that_of_the_files_not_of_where_they_lie(world):
    text = "value: ${{ hashFiles('src/**/*.txt', '!src/no/**') }}"
    for name in ("src/a.txt", "src/deep/b.txt", "src/no/c.txt", "src/d.bin"):
        world.write(name, name)
    first = world.run(text)["result"]
    assert re.fullmatch("[0-9a-f]{64}", first)
    world.write("changed", "src/no/c.txt")
    assert world.run(text)["result"] == first
    world.write("changed", "src/deep/b.txt")
    assert world.run(text)["result"] != first
    assert world.run("value: ${{ hashFiles('nothing*') }}")["result"] == ""
    inside = "chain: [{run: 'echo \"$A\"', env: {A: \"${{ hashFiles('src/**/*.txt', '!src/no/**') }}\"}}]"
    assert world.run(inside)["result"] == world.run(text)["result"] != ""


def test_other_files_are_found_beside_the_file(world):
    world.write("params: {n: {type: integer}}\nvalue: ${{ params.n * 2 }}", "sub/inner.yaml")
    flow = world.write("workflow: sub/inner.yaml\nwith: {n: 21}")
    assert world.json("run", flow, cwd="/")["result"] == 42
    done = world("run", world.write("workflow: sub/innr.yaml"), code=2)
    assert "sub/innr.yaml" in done.err and "flow.yaml:1" in done.err


@pytest.mark.parametrize("make, words", [
    (lambda p: p.mkdir(), "folder"), (lambda p: p.write_text(""), "no workflow"),
    (lambda p: p.write_bytes(b"\0\1\2\xff" * 9), "error"), (lambda p: os.mkfifo(p), "pipe"),
    (lambda p: None, "no such file"), (lambda p: p.write_text("- a\n- b\n"), "error"),
    (lambda p: p.write_text("run: [" + "[" * 50000), "error"),
    (lambda p: p.write_text("plain words"), "error"),
], ids=["folder", "empty", "binary", "fifo", "missing", "list", "brackets", "scalar"])
@pytest.mark.parametrize("command", ["run", "validate"])
def test_what_is_no_workflow_file(world, command, make, words):
    path = world.path / "input.yaml"
    make(path)
    done = world(command, path, code=2)
    said = done.out + done.err
    assert words in said and "input.yaml" in said


def test_a_file_over_64_mib(world):
    with open(world.path / "big.yaml", "wb") as file:
        file.truncate(64 * 1024 * 1024 + 1)
    done = world("run", "big.yaml", code=2)
    assert "64 MiB" in done.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file(world):
    flow = world.write("run: echo hi")
    flow.chmod(0)
    assert "may not read" in world("run", flow, code=2).err


@pytest.mark.parametrize("text", [
    "triggers: {schedule: [{cron: '0 0 * * *'}]}\nrun: echo",
    "{run: echo, image: debian}",
    "{run: echo, runs_on: [big]}",
])
def test_what_has_no_run_time_yet_is_refused_by_name(world, text):
    flow = world.write(text)
    world("validate", flow, code=0)
    done = world("run", flow, code=2)
    assert "not supported yet" in done.err
    assert not world.db.exists()


def test_a_full_standard_output_is_code_3(world):
    flow = world.write("run: echo hi")
    with open("/dev/full", "w") as full:
        import subprocess
        done = subprocess.run([os.environ.get("ACTANT", "actant"), "run", str(flow), "--json"],
                              env=world.env, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 3 and b"standard output" in done.stderr


def test_outputs_and_tolerated_failures(world):
    doc = world.run("chain:\n- {run: 'false', on_error: continue}\n"
                    "- {id: b, run: 'echo n=5 >> \"$ACTANT_OUTPUT\"'}\n"
                    "outputs: {n: '${{ nodes.b.outputs.n }}'}\n")
    assert doc["tolerated"] == 1 and doc["outputs"] == {"n": "5"}


def test_ids_sort_by_time_and_are_unique(world):
    runs = [world.run("value: 1")["run"] for _ in range(5)]
    assert runs == sorted(runs) and len(set(runs)) == 5
    listed = [row["run"] for row in world.json("history", "list")["runs"]]
    assert listed == runs[::-1]


def test_json_is_one_document(world):
    done = world("run", world.write("run: echo '{'; echo more >&2"), "--json", code=0)
    json.loads(done.out)
    assert done.out.count("\n") == 1


def test_what_tasks_hand_on_is_not_poured_out(world):
    flow = world.write("chain:\n- {id: many, run: 'seq 1 500; seq 1 50 >&2; printf end'}\n- {id: next, run: wc -l}\n")
    err = world("run", flow, code=0).err
    run = world.last_run()
    assert "many | 20\n" in err and "many | 51\n" not in err
    assert err.count("many | 50\n") == 1  # standard error is shown whole
    assert f"many | … 481 more lines: actant logs {run} many\n" in err
    assert "many | 500\n" in world("run", flow, "-v", code=0).err
    alone = world("run", world.write("run: seq 1 500"), code=0).err
    assert "\n500\n" in alone


def test_the_result_is_shown_in_a_few_lines(world):
    err = world("run", world.write("chain:\n- value: {a: 1}\n- value: {x: '${{ prev.a }}'}\noutputs: {n: 5}\n"),
                code=0).err
    assert 'result {"x":1}\n' in err and 'outputs {"n":5}\n' in err
    err = world("run", world.write("value: ${{ range(300) }}"), code=0).err
    assert "--json" in err and "299" not in err

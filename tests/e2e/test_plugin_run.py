"""Tasks of plugins, run: in host processes and in threads, and what a bad plugin does: its task fails with the
cause, everything else goes on."""

import json
import os
import pathlib
import shutil
import signal
import types

import pytest

from test_plugin import CC, build, signals_as_they_are  # noqa: F401

pytestmark = pytest.mark.skipif(not CC, reason="no C compiler")
HOMES = ["process", "thread"]


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """Compiled once: on a busy machine that takes longer than a test."""
    place = types.SimpleNamespace(path=tmp_path_factory.mktemp("library"))
    return build(place, "bad", "plugins", None, "-std=gnu11", "-O1", "-Wno-return-type",
                 "-Wno-infinite-recursion", "-pthread")


@pytest.fixture
def bad(world, library):
    (world.path / "plugins").mkdir()
    shutil.copy(library, world.path / "plugins")
    return world


def call(task, home="process", **more):
    return json.dumps({"id": task, "plugin": f"bad:{task}", "isolation": home, **more},
                      ensure_ascii=False)


def failed(world, node, **more):
    """Runs one node that fails; its error."""
    document = world.run(f"chain:\n  - {node}\n", code=1, **more)
    assert document["status"] == "failed"
    return document["error"]


def timed_out_while_it_waits(world, home="process"):
    """A run whose task has begun when its time is over; its document."""
    return world.time_out(f"chain:\n  - {call('waits', home, timeout='TIMEOUT', grace='60s')}\n",
                          lambda: "waiting" in world("logs", "last", code=0).out, code=1)


# ---- what goes in and out ----------------------------------------------------------------------


@pytest.mark.parametrize("home", HOMES)
@pytest.mark.parametrize("given, wanted", [
    ({"with": {"a": [1, {"b": None}], "ü": "\U0001f600\n"}}, {"a": [1, {"b": None}], "ü": "\U0001f600\n"}),
    ({"args": [1, "b"]}, [1, "b"]),
    ({"args": [1], "with": {"a": 2}}, {"a": 2}),
    ({}, {}),
    ({"with": {}}, {}),
])
def test_without_a_schema_it_gets_what_was_written(bad, home, given, wanted):
    if "args" in given and "with" in given:
        pytest.skip("by name and by position at once wants a schema")
    assert bad.run(call("echo", home, **given))["result"] == wanted


@pytest.mark.parametrize("home", HOMES)
@pytest.mark.parametrize("given, wanted", [
    ({"with": {"s": "x"}}, {"s": "x", "n": 5}),
    ({"args": [3, "y"]}, {"n": 3, "s": "y"}),
    ({"args": [3], "with": {"b": True}}, {"n": 3, "b": True}),
    ({"with": {"n": "${{ format('{0}', 7) }}", "s": "${{ 2.5 }}", "b": "${{ 'true' }}"}},
     {"n": 7, "s": "2.5", "b": True}),
    ({"with": {"n": "${{ 2 + 1 }}"}}, {"n": 3}),
])
def test_with_a_schema_it_gets_an_object(bad, home, given, wanted):
    assert bad.run(call("typed", home, **given))["result"] == wanted


@pytest.mark.parametrize("home", HOMES)
def test_what_entered_is_the_first_argument(bad, home):
    text = f"""chain:
  - value: 42
  - {call("typed", home)}
"""
    assert bad.run(text)["result"] == {"n": 42}
    text = f"""for: [1, 2]
do: {call("echo", home)}
"""
    assert bad.run(text)["result"] == [[1], [2]]
    text = f"""chain:
  - {call("noop", home)}
  - {call("echo", home)}
"""
    assert bad.run(text)["result"] == [None]


@pytest.mark.parametrize("home", HOMES)
def test_arguments_that_do_not_fit_fail_before_the_call(bad, home):
    error = failed(bad, call("typed", home, **{"with": {"n": "${{ fromJSON('[1]') }}"}}))
    assert error["cause"] == "expression"
    assert "the argument 'n': [1] is no integer" in error["message"]


@pytest.mark.parametrize("home", HOMES)
def test_what_a_call_is_about(bad, home):
    bad.write("", "sub/x")
    text = f"""env: {{OWN: outer, GONE: x}}
chain:
  - env: {{GONE: null}}
    dir: sub
    id: a
    plugin: bad:about
    isolation: {home}
"""
    document = bad.run(text)
    told = document["result"]
    assert told["run"] == told["ACTANT_RUN_ID"] == document["run"]
    assert told["attempt"] == 1 and told["ACTANT_ATTEMPT"] == "1"
    assert told["key"] == told["ACTANT_IDEMPOTENCY_KEY"]
    assert told["attempt_id"] == told["key"] + "-1"
    assert told["node"] == told["ACTANT_NODE"] == "chain[0]"
    assert told["dir"] == str(bad.path / "sub")
    assert told["OWN"] == "outer" and told["GONE"] is None and told["HOME"] == str(bad.path)
    if home == "process":
        assert told["cwd"] == told["dir"] and told["getenv"] == "outer"


def test_the_environment_of_one_call_is_not_the_next_ones(bad):
    text = """chain:
  - {plugin: "bad:about", env: {OWN: a}}
  - {id: b, plugin: "bad:about", with: {}}
"""
    assert bad.run(text)["result"]["OWN"] is None


@pytest.mark.parametrize("home", HOMES)
def test_named_outputs(bad, home):
    text = f"chain:\n  - {call('outputs', home)}\n  - value: ${{{{ nodes.outputs.outputs }}}}\n"
    assert bad.run(text)["result"] == {"size": "2", "refused": "yes"}


def test_any_thread_of_a_task_may_log(bad):
    document = bad.run(call("logs"))
    assert len(bad("logs", document["run"], code=0).out.splitlines()) == 20


@pytest.mark.parametrize("home", HOMES)
def test_a_task_that_fails_says_how(bad, home):
    error = failed(bad, call("fails", home))
    assert error["cause"] == "exception" and error["type"] == "NotFound"
    assert error["message"] == 'there is no such thing: "ü"'
    shown = bad.node("fails")["error"]
    assert shown["type"] == "NotFound" and shown["message"] == error["message"]
    error = failed(bad, call("returns", home))
    assert error["cause"] == "exception" and "returned 7" in error["message"]


def test_what_it_prints_is_log_and_not_the_result(bad):
    document = bad.run(call("prints"))
    assert document["result"] == "the result"
    logged = bad("logs", document["run"], code=0).out
    assert all(text in logged for text in ("out 1\n", "err 1\n", "log 1\n", "without a line end"))


def test_in_a_thread_its_log_is_the_tasks(bad):
    document = bad.run(call("logs", "thread"))
    assert sorted(bad("logs", document["run"], code=0).out.splitlines()) == \
        [f"{who} {i}" for who in ("main", "other") for i in range(10)]


def test_a_log_comes_while_the_task_runs(bad):
    run = bad.start("run", bad.write(call("waits")))
    bad.wait("the log", lambda: "waiting" in bad("logs", bad.last_run()).out)
    run.send_signal(signal.SIGINT)
    _, err = bad.end(run, 130)
    assert "stopped in order" in err


def test_a_chatterbox_is_kept_whole(bad):
    document = bad.run(call("chatters"))
    lines = bad("logs", document["run"], "--stream", "out", code=0).out.splitlines()
    assert len(lines) == 20000 and lines[-1].startswith("019999")


@pytest.mark.parametrize("home", HOMES)
def test_secrets_reach_arguments_and_nothing_else(bad, home):
    env = {"ACTANT_SECRET_TOKEN": "hunter2-hunter2"}
    text = f"""chain:
  - id: a
    plugin: bad:echo
    isolation: {home}
    with: {{header: "Bearer ${{{{ secrets.TOKEN }}}}", deep: [{{x: "${{{{ secrets.TOKEN }}}}"}}]}}
"""
    document = bad.run(text, env=env)
    assert document["result"] is None  # it held a secret
    text = f"""chain:
  - id: a
    plugin: bad:large
    isolation: {home}
    with: {{bytes: 15, x: "${{{{ secrets.TOKEN }}}}"}}
"""
    assert bad.run(text, env=env)["result"] == "x" * 13
    assert b"hunter2" not in b"".join(p.read_bytes() for p in bad.db.parent.rglob("*") if p.is_file())


# ---- results -----------------------------------------------------------------------------------


@pytest.mark.parametrize("home", HOMES)
@pytest.mark.parametrize("bytes", [65535, 65536, 65537, 3_000_000])
def test_results_of_all_sizes(bad, home, bytes):
    text = f"""chain:
  - {call("large", home, **{"with": {"bytes": bytes}})}
  - value: ${{{{ length(nodes.large.result) }}}}
"""
    assert bad.run(text)["result"] == bytes - 2


@pytest.mark.parametrize("home", HOMES)
@pytest.mark.parametrize("task, given, wanted", [
    ("no_json", {}, "its result is no JSON: offset 11"),
    ("no_utf8", {}, "its result is no JSON: offset 1"),
    ("large", {"with": {"bytes": 1000, "broken": True}}, "its result is no JSON"),
    ("large", {"with": {"bytes": 3_000_000, "broken": True}}, "its result is no JSON"),
    ("wrong_type", {}, "its result does not fit its schema: 'text' is no integer"),
    ("typed", {"with": {"n": 101}}, "its result does not fit its schema: n: 101 is more than 100"),
])
def test_a_result_that_cannot_be_one(bad, home, task, given, wanted):
    error = failed(bad, call(task, home, **given))
    assert error["cause"] == "output" and wanted in error["message"], error


MEMORY = """
  - id: memory
    run: sed -n 's/^VmHWM:[^0-9]*\\([0-9]*\\) kB/\\1/p' /proc/$PPID/status
    output: json
"""


def test_a_gigabyte_is_refused_without_taking_it(bad):
    text = f"chain:\n  - {call('large', with_=1)}\n".replace('"with_": 1', '"with": {"bytes": 1073741825}')
    text = text.replace('"id"', '"on_error": "continue", "id"') + MEMORY
    document = bad.run(text)
    assert document["tolerated"] == 1
    node = bad.node("large")
    assert node["cause"]["kind"] == "output" and "longer than output_max" in node["error"]["message"]
    if not os.environ.get("ACT_SANITIZE"):
        assert document["result"] < 50_000  # KiB of the engine at its most


def test_a_hundred_megabytes_pass_through_without_staying(bad):
    text = f"chain:\n  - {call('large')}\n".replace('"id"', '"with": {"bytes": 100000000}, "id"') + MEMORY
    document = bad.run(text)
    if not os.environ.get("ACT_SANITIZE"):
        assert document["result"] < 50_000


# ---- what crashes ------------------------------------------------------------------------------


@pytest.mark.parametrize("task, cause, wanted", [
    ("segv", "signal", "plugin bad:segv crashed: SIGSEGV ended its host process"),
    ("aborts", "signal", "plugin bad:aborts crashed: SIGABRT"),
    ("corrupts", "signal", "plugin bad:corrupts crashed: SIG"),
    ("overflows", "signal", "plugin bad:overflows crashed: SIGSEGV"),
    ("killed", "signal", "plugin bad:killed crashed: SIGKILL"),
    ("exits", "exit", "plugin bad:exits ended its host process (exit code 0)"),
])
def test_a_crash_fails_its_task_and_no_other(bad, task, cause, wanted):
    if task == "corrupts" and os.environ.get("ACT_SANITIZE"):
        pytest.skip("a sanitizer's heap is not corrupted in this way")
    text = f"""collect: true
group:
  - {call("naps", **{"with": {"ms": 300}})}
  - {call(task)}
  - {{run: sleep 0.2; echo well}}
  - {{plugin: "bad:echo", with: {{a: 1}}}}
"""
    result = bad.run(text)["result"]
    assert [r["status"] for r in result] == ["succeeded", "failed", "succeeded", "succeeded"]
    assert result[1]["error"]["cause"] == cause and wanted in result[1]["error"]["message"]
    assert result[0]["result"] == {"ms": 300} and result[2]["result"] == "well"
    assert result[3]["result"] == {"a": 1}


def test_an_exit_code_is_told(bad):
    error = failed(bad, call("exits", **{"with": {"code": 3}}))
    assert error["cause"] == "exit" and error["exit_code"] == 3


def test_after_a_crash_a_thousand_calls_succeed(bad):
    text = """chain:
  - {id: crash, plugin: "bad:segv", on_error: continue}
  - for: ${{ range(1000) }}
    do: {plugin: "bad:echo"}
"""
    document = bad.run(text, "-j", "4")
    assert document["tolerated"] == 1
    assert document["result"] == [[i] for i in range(1000)]


def test_a_retry_runs_in_another_host(bad):
    assert bad.run(call("once", retry=1))["result"] == "second"
    assert bad.node("once")["attempt"] == 2


def test_a_crash_loop_is_quarantined(bad):
    text = """collect: true
for: ${{ range(12) }}
parallel: 1
do: {plugin: "bad:segv"}
"""
    result = bad.run(text)["result"]
    assert all(r["status"] == "failed" for r in result)
    messages = [r["error"]["message"] for r in result]
    assert "crashed: SIGSEGV" in messages[0] and "crashed: SIGSEGV" in messages[3]
    assert "quarantine" in messages[-1], messages[-1]
    # The rest of the engine does not mind.
    assert bad.run("run: echo well")["result"] == "well"


def test_an_endless_loop_ends_with_its_timeout(bad):
    text = f"""collect: true
group:
  - {call("hangs", timeout="300ms", grace="100ms")}
  - {call("naps", **{"with": {"ms": 100}})}
"""
    result = bad.run(text)["result"]
    assert result[0]["error"]["cause"] == "timeout" and result[1]["status"] == "succeeded"
    assert bad.run(call("noop"))["status"] == "succeeded"


def test_a_timeout_is_heard_before_it_kills(bad):
    document = timed_out_while_it_waits(bad)
    assert document["error"]["cause"] == "timeout"
    assert "stopped in order" in bad("logs", "last", code=0).out


def test_a_cancel_is_heard(bad):
    run = bad.start("run", bad.write(call("waits", grace="60s")))
    bad.wait("the log", lambda: "waiting" in bad("logs", bad.last_run()).out)
    bad("cancel", bad.last_run(), code=0)
    bad.end(run, 4)
    assert "stopped in order" in bad("logs", "last", code=0).out


def hosts(world):
    found = []
    for proc in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            line = (proc / "cmdline").read_bytes().split(b"\0")
            env = (proc / "environ").read_bytes()
        except OSError:
            continue
        if b"plugin-host" in line and str(world.db).encode() in env:
            found.append(int(proc.name))
    return found


def test_no_host_outlives_its_run(bad):
    run = bad.start("run", bad.write(call("hangs")))
    bad.wait("a host", lambda: hosts(bad))
    run.kill()
    run.communicate()
    bad.wait("the host's end", lambda: not hosts(bad))
    bad.run(call("forks"))
    bad.wait("the end of what it forked", lambda: not hosts(bad))


# ---- in threads --------------------------------------------------------------------------------


def test_a_thread_that_never_returns_is_left_to_itself(bad):
    text = f"""collect: true
group:
  - {call("hangs", "thread", timeout="TIMEOUT", grace="100ms")}
  - {call("naps", "thread", **{"with": {"ms": 400}})}
  - {{run: echo well}}
"""
    # One that has not begun when it is told to stop never does.
    document = bad.time_out(text, lambda: "a thread cannot be killed" in bad("logs", "last", code=0).out,
                            "-j", "4")
    result = document["result"]
    assert result[0]["error"]["cause"] == "timeout"
    assert result[1]["status"] == result[2]["status"] == "succeeded"


def test_a_thread_hears_that_it_is_to_stop(bad):
    document = timed_out_while_it_waits(bad, "thread")
    assert document["error"]["cause"] == "timeout"
    assert "stopped in order" in bad("logs", "last", code=0).out


def test_a_crash_in_a_thread_takes_the_run_down_and_it_goes_on(bad):
    """The price of memory speed; what was done is not lost."""
    text = f"""chain:
  - {call("echo", "thread", **{"with": {"a": 1}})}
  - {call("once", "thread", args=[])}
"""
    done = bad("run", bad.write(text))
    assert done.returncode == -signal.SIGABRT
    document = bad.json("resume", "last")
    assert document["status"] == "succeeded" and document["result"] == "second"
    assert bad.node("echo")["attempt"] == 1


def test_what_a_thread_prints_does_not_spoil_the_document(bad):
    flow = bad.write("for: ${{ range(3) }}\ndo: " + call("prints", "thread") + "\n")
    done = bad("run", flow, "--json", code=0)
    assert json.loads(done.out)["status"] == "succeeded"
    assert done.out.count("\n") == 1
    assert done.err.count("out 1") == 3 and done.err.count("without a line end") == 3


def test_threads_run_beside_each_other(bad):
    """Each ends once all are there."""
    text = f"""for: ${{{{ range(8) }}}}
do: {call("meets", "thread", **{"with": {"count": 8}})}
"""
    assert bad.run(text, "-j", "8")["result"] == [True] * 8


def test_ten_thousand_calls_in_threads(bad):
    text = f"""for: ${{{{ range(10000) }}}}
do: {call("echo", "thread")}
"""
    assert bad.run(text, "-j", "8")["result"] == [[i] for i in range(10000)]


# ---- what is not there -------------------------------------------------------------------------


@pytest.mark.parametrize("home", HOMES)
def test_a_plugin_that_vanished_after_it_was_compiled(bad, home):
    text = f"chain:\n  - run: rm plugins/bad.so\n  - {call('noop', home)}\n"
    document = bad.run(text, code=1)
    assert "bad.so" in document["error"]["message"]


def test_a_run_goes_on_with_its_plugin_after_a_crash_of_actant(bad):
    text = f"""chain:
  - {call("echo", **{"with": {"a": 1}})}
  - id: gate
    run: test -e gate
    retry: {{max: 1000, delay: 50ms}}
  - {call("naps", args=[])}
"""
    run = bad.start("run", bad.write(text))
    bad.wait("the first node", lambda: any(n["status"] == "succeeded" for n in
                                           (bad.show(bad.last_run())["nodes"])))
    run.kill()
    run.communicate()
    bad.write("", "gate")
    assert bad.json("resume", "last")["status"] == "succeeded"

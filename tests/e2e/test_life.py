"""Interruption and what comes after: suspend, resume, cancel, kill -9, retry, rerun, two at once."""

import json
import os
import resource
import signal

import pytest


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


# b sleeps the first time only
ONCE = "chain:\n- {id: a, run: echo a >> log}\n" \
       "- {id: b, run: 'echo b >> log; if [ ! -e up ]; then touch up; exec sleep 300; fi'}\n" \
       "- {id: c, run: 'echo c >> log; echo done'}\n"


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_suspends_and_resume_goes_on(world, number, code):
    process = world.start("run", world.write(ONCE), "--json")
    world.wait_file("up")
    process.send_signal(number)
    out, err = world.end(process, code)
    doc = json.loads(out)
    assert doc["status"] == "suspended" and doc["result"] is None
    assert f"actant resume {doc['run']}" in err and f"actant cancel {doc['run']}" in err
    again = world.json("resume", doc["run"])
    assert again["run"] == doc["run"] and again["status"] == "succeeded"
    assert again["result"] == "done"
    assert (world.path / "log").read_text().split() == ["a", "b", "b", "c"]
    assert world.node("b")["attempt"] == 2


def test_resume_of_an_ended_run_gives_its_document_and_code(world):
    first = world.run("run: echo x")
    assert world.json("resume", first["run"]) == first
    failed = world.run("run: exit 3", code=1)
    assert world.json("resume", "last", code=1)["error"] == failed["error"]


def test_in_ci_the_first_signal_cancels_and_finally_runs(world):
    text = "try: {run: 'touch up; exec sleep 300'}\nfinally: {run: echo tidied >> log}\n"
    for args, env in ([["--on-interrupt", "cancel"], {}], [[], {"CI": "true"}]):
        process = world.start("run", world.write(text), "--json", *args, env=env)
        world.wait_file("up").unlink()
        process.send_signal(signal.SIGINT)
        out, _ = world.end(process, 4)
        assert json.loads(out)["status"] == "cancelled"
    assert (world.path / "log").read_text() == "tidied\ntidied\n"


def test_a_second_signal_stops_at_once(world):
    text = "{run: \"trap '' TERM INT; echo $$ > pid; touch up; while :; do sleep 0.1; done\", grace: 1h}"
    process = world.start("run", world.write(text), "--json")
    world.wait_file("up")
    pid = int((world.path / "pid").read_text())
    process.send_signal(signal.SIGINT)
    world.wait("it is stopping", lambda: any(
        "suspend" in line for line in world("history", "events", "last").out.splitlines()))
    process.send_signal(signal.SIGINT)
    world.end(process)
    assert process.returncode in (130, 3)
    world.wait("the task is gone", lambda: not alive(pid))
    assert world.last_run()


def test_cancel_of_a_live_run_from_another_process(world):
    text = "try: {run: 'touch up; exec sleep 300'}\nfinally: {run: echo tidied >> log}\n"
    process = world.start("run", world.write(text), "--json")
    world.wait_file("up")
    run = world.last_run()
    assert "asked" in world("cancel", run, code=0).out
    out, _ = world.end(process, 4)
    assert json.loads(out)["status"] == "cancelled"
    assert (world.path / "log").read_text() == "tidied\n"
    assert "ended already" in world("cancel", run, code=2).err


def test_cancel_of_a_run_that_nobody_owns(world):
    text = "try: {run: 'touch up; exec sleep 300'}\nfinally: {run: echo tidied >> log}\n"
    process = world.start("run", world.write(text))
    world.wait_file("up")
    process.kill()
    world.end(process)
    run = world.last_run()
    assert world.json("history", "list")["runs"][0]["status"] == "interrupted"
    assert world.json("cancel", run)["status"] == "cancelled"
    assert (world.path / "log").read_text() == "tidied\n"
    assert world.json("history", "list")["runs"][0]["status"] == "cancelled"


@pytest.mark.parametrize("edit", ["keep", "change", "remove"])
def test_kill_9_in_the_middle_of_300_tasks(world, edit):
    flow = world.write("for: ${{ range(300) }}\nas: i\n"
                       "do: {run: 'echo \"start $N\" >> log; sleep 0.01; echo \"end $N\" >> log', "
                       "env: {N: '${{ i }}'}}\n")
    process = world.start("run", flow, "-j", "4")
    log = world.path / "log"
    world.wait("some have ended", lambda: log.exists() and log.read_text().count("end") >= 60)
    process.kill()
    world.end(process)
    run = world.last_run()
    before = {n["path"] for n in world.show(run)["nodes"] if n["status"] == "succeeded"}
    assert len(before) >= 30
    began = log.read_text().splitlines()
    if edit == "change":
        flow.write_text("run: echo something else >> log")
    elif edit == "remove":
        flow.unlink()
    doc = world.json("resume", run, "-j", "4")
    assert doc["status"] == "succeeded" and len(doc["result"]) == 300
    nodes = [n for n in world.show(run)["nodes"] if n["path"].startswith("do[")]
    assert len(nodes) == 300 and all(n["status"] == "succeeded" for n in nodes)
    done_before = {int(p[3:-1]) for p in before if p.startswith("do[")}
    after = log.read_text().splitlines()[len(began):]
    rerun = {int(line.split()[1]) for line in after if line.startswith("start")}
    assert not rerun & done_before
    events = [json.loads(line) for line in world("history", "events", run, "--json").out.splitlines()]
    ends = [e["node"] for e in events if e["type"] == "node_ended" and e["node"].startswith("do[")]
    assert len(ends) == len(set(ends)) == 300
    world("history", "verify", run, code=0)


def test_what_is_left_of_a_killed_run_is_ended_before_it_goes_on(world):
    process = world.start("run", world.write(
        "{run: 'echo $$ >> pids; if [ -e once ]; then exit 0; fi; touch once; exec sleep 300'}"))
    world.wait_file("once")
    process.kill()
    world.end(process)
    first = int((world.path / "pids").read_text().split()[0])
    assert alive(first)
    world.json("resume", "last")
    world.wait("the first one's end", lambda: not alive(first))
    assert len((world.path / "pids").read_text().split()) == 2


def test_a_task_that_may_not_run_twice_is_lost(world):
    process = world.start("run", world.write(
        "{id: pay, idempotent: false, run: 'echo x >> log; touch up; exec sleep 300'}"))
    world.wait_file("up")
    process.kill()
    world.end(process)
    doc = world.json("resume", "last", code=1)
    assert doc["error"]["cause"] == "lost" and (world.path / "log").read_text() == "x\n"


def test_a_live_run_is_not_taken_by_another(world):
    process = world.start("run", world.write("{run: 'touch up; exec sleep 300'}"))
    world.wait_file("up")
    done = world("resume", "last", code=3)
    assert str(process.pid) in done.err
    process.terminate()
    world.end(process, 143)


def test_retry_makes_new_attempts_of_what_failed(world):
    flow = world.write("dag:\n  a: echo a >> log\n  b: 'echo b >> log; test -e ok'\n"
                       "  c: {needs: [b], run: echo c >> log}\n")
    first = world.json("run", flow, code=1)
    world.json("retry", first["run"], code=1)
    (world.path / "ok").touch()
    doc = world.json("retry", first["run"])
    assert doc["run"] == first["run"] and doc["status"] == "succeeded"
    log = (world.path / "log").read_text().split()
    assert log.count("a") == 1 and log.count("b") == 3 and log.count("c") == 1
    world("history", "verify", first["run"], code=0)
    assert "nothing to retry" in world("retry", first["run"], code=2).err


@pytest.mark.parametrize("last, code", [("exit 1", 1), ("exit 0", 0)])
def test_a_retry_from_nowhere_is_refused(world, last, code):
    flow = world.write("chain:\n- {id: fetch, run: echo fetch >> log}\n"
                       f"- {{id: last, run: {last}}}\n- {{id: never, if: false, run: 'true'}}\n")
    first = world.json("run", flow, code=code)
    before = world("history", "events", first["run"], "--json", code=0).out
    assert "did you mean 'fetch'" in world("retry", first["run"], "--from", "fetsh", code=2).err
    assert "'zzzzzz'" in world("retry", first["run"], "--from", "zzzzzz", code=2).err
    if code:
        assert "did not begin" in world("retry", first["run"], "--from", "never", code=2).err
    assert world("history", "events", first["run"], "--json", code=0).out == before
    world("retry", first["run"], "--from", "fetch", code=code)
    assert (world.path / "log").read_text().split() == ["fetch", "fetch"]


ITEMS = """
chain:
- for: [1, 2]
  do: {id: it, run: 'echo i${{ item }} >> log'}
- group: [echo x >> log, echo y >> log]
- {id: third, run: echo z >> log}
"""


def test_a_retry_takes_the_end_of_a_path(world):
    first = world.run(ITEMS)["run"]
    (world.path / "log").unlink()
    world("retry", first, "--from", "group[0]", code=0)
    assert (world.path / "log").read_text().split() == ["x", "z"]
    assert "names 2 instances" in world("retry", first, "--from", "[1]", code=2).err
    world("history", "verify", first, code=0)


@pytest.mark.parametrize("node", ["it", "do[1]", "chain[0].do[1]"])
@pytest.mark.parametrize("more", [[], ["--detach"]])
def test_an_item_that_is_over_is_retried_with_its_box(world, node, more):
    first = world.run(ITEMS)["run"]
    before = world("history", "events", first, "--json", code=0).out
    refused = world("retry", first, "--from", node, *more, code=2).err
    assert f"'{node}' ran" in refused and "`for` has ended" in refused
    assert "--from 'chain[0]'" in refused
    assert world("history", "events", first, "--json", code=0).out == before
    assert "no node 'do[7]'" in world("retry", first, "--from", "do[7]", code=2).err
    (world.path / "log").unlink()
    world("retry", first, "--from", "chain[0]", code=0)
    assert sorted((world.path / "log").read_text().split()) == ["i1", "i2", "x", "y", "z"]


def test_an_item_of_one_of_several_loops_is_asked_for(world):
    first = world.run("chain:\n- {for: [1], do: {run: 'true'}}\n- {for: [1], do: {run: 'true'}}\n")["run"]
    refused = world("retry", first, "--from", "do[0]", code=2).err
    assert "2 paths end with 'do[0]': chain[0].do[0], chain[1].do[0]" in refused


def test_what_begins_in_a_retry_begins_at_attempt_1(world):
    flow = world.write("chain:\n"
                       "- {id: a, run: echo a $ACTANT_ATTEMPT >> log}\n"
                       "- {id: b, run: 'echo b $ACTANT_ATTEMPT >> log; test -e ok'}\n"
                       "- {id: c, run: echo c $ACTANT_ATTEMPT >> log}\n"
                       "- {dag: {d: echo d $ACTANT_ATTEMPT >> log}}\n")
    first = world.json("run", flow, code=1)
    world.json("retry", first["run"], code=1)
    (world.path / "ok").touch()
    world.json("retry", first["run"])
    world.json("retry", first["run"], "--from", "b")
    assert (world.path / "log").read_text().splitlines() == [
        "a 1", "b 1", "b 2", "b 3", "c 1", "d 1", "b 4", "c 2", "d 2"]
    world("history", "verify", first["run"], code=0)


def test_rerun_is_a_new_run_of_the_same_spec_and_params(world):
    flow = world.write("params: {x: {type: string}}\nvalue: ${{ params.x }}")
    first = world.json("run", flow, "-p", "x=1")
    flow.write_text("value: other")
    doc = world.json("rerun", first["run"])
    assert doc["run"] != first["run"] and doc["result"] == "1"
    assert doc["from"] == {"run": first["run"], "node": None}
    assert doc["spec"]["hash"] == first["spec"]["hash"]


def test_two_runs_at_once_on_one_database(world):
    flow = world.write("for: ${{ range(150) }}\ndo: {run: echo hi}\n")
    both = [world.start("run", flow, "--json", "-j", "4") for _ in range(2)]
    docs = [json.loads(world.end(p, 0)[0]) for p in both]
    assert docs[0]["run"] != docs[1]["run"]
    for doc in docs:
        assert doc["status"] == "succeeded" and len(doc["result"]) == 150
        world("history", "verify", doc["run"], code=0)


def test_a_timeout_ends_the_whole_group(world):
    doc = world.time_out("{run: 'sleep 300 & echo $! > pid; wait', timeout: TIMEOUT, grace: 200ms}",
                         lambda: world.pid_in("pid"), code=1)
    assert doc["error"]["cause"] == "timeout"
    pid = world.pid_in("pid")
    world.wait("the child is gone", lambda: not alive(pid))


def test_a_task_that_ignores_sigterm_is_killed_after_grace(world):
    text = "{run: \"trap '' TERM; echo $$ > pid; while :; do sleep 0.1; done\", timeout: TIMEOUT, grace: 300ms}"
    doc = world.time_out(text, lambda: world.pid_in("pid"), code=1)
    assert doc["error"]["cause"] == "timeout"
    pid = world.pid_in("pid")
    world.wait("it is gone", lambda: not alive(pid))


def test_what_forks_twice_and_leaves_its_session_is_not_left_behind(world):
    text = "{run: '(setsid sh -c \"echo \\$\\$ > pid; exec sleep 300\" &) ; while [ ! -s pid ]; do sleep 0.02; done'}"
    world.run(text)
    pid = int((world.path / "pid").read_text())
    world.wait("the daemon is gone", lambda: not alive(pid))
    (world.path / "pid").unlink()
    process = world.start("run", world.write(text[:-2] + "; exec sleep 300'}"))
    world.wait("the daemon", lambda: (world.path / "pid").exists() and
               (world.path / "pid").read_text().strip())
    pid = int((world.path / "pid").read_text())
    process.terminate()
    world.end(process, 143)
    world.wait("the daemon is gone", lambda: not alive(pid))


def rows(world):
    done = world("history", "list", "--json")
    return json.loads(done.out)["runs"] if done.returncode == 0 else []


def test_a_durable_sleep_goes_on_after_a_kill(world):
    before = []
    for seconds in (5, 20, 80):  # until it still sleeps when it is killed
        process = world.start("run", world.write(f"chain:\n- {{id: nap, sleep: {seconds}s}}\n- value: woke\n"))
        run = world.wait("a new run", lambda: next(
            (r["run"] for r in rows(world) if r["run"] not in before), None))
        world.wait("it sleeps", lambda: (world.node("nap", run) or {"status": ""})["status"] in ("parked", "succeeded"))
        process.kill()
        world.end(process)
        before.append(run)
        if world.node("nap", run)["status"] == "parked":
            break
    assert world.node("nap", run)["status"] == "parked"
    assert world.json("resume", run)["result"] == "woke"


def test_hang_up_of_the_terminal_suspends(world):
    process = world.start("run", world.write(ONCE), "--json")
    world.wait_file("up")
    process.send_signal(signal.SIGHUP)
    world.end(process, 129)
    assert world.json("resume", "last")["status"] == "succeeded"


NUMBERS = (signal.SIGPIPE, signal.SIGINT, signal.SIGCHLD, signal.SIGTERM, signal.SIGUSR1)


def set_up_badly():
    os.umask(0o027)
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, 300))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for number in (signal.SIGPIPE, signal.SIGINT, signal.SIGCHLD):
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, NUMBERS)


@pytest.mark.parametrize("detach", [[], ["--detach"]])
def test_a_task_gets_the_limits_of_who_starts_it_and_signals_as_at_a_prompt(world, detach):
    flow = world.write("output: text\nrun: |\n  umask; ulimit -Sn; ulimit -Hn; ulimit -c\n"
                       "  awk '/^Sig(Blk|Ign)/ {print $2}' /proc/self/status\n"
                       "  (yes || echo $? >&2) 2>status | head -n 1; cat status\n")
    out, _ = world.end(world.start("run", flow, "--json", *detach, preexec_fn=set_up_badly,
                                   restore_signals=False), 0)
    result = world.json("attach", json.loads(out)["run"])["result"].split("\n")
    assert result[:4] == ["0027", "200", "300", "0"]
    for mask in result[4:6]:
        assert not [number for number in NUMBERS if int(mask, 16) >> (number - 1) & 1]
    assert result[6:] == ["y", str(128 + signal.SIGPIPE)]


def test_signals_that_were_ignored_or_blocked_are_heard(world):
    process = world.start("run", world.write(ONCE), "--json", preexec_fn=set_up_badly, restore_signals=False)
    world.wait_file("up")
    process.send_signal(signal.SIGTERM)
    world.end(process, 143)
    assert world.json("resume", "last")["status"] == "succeeded"


def limited(which, number):
    def set_it():
        hard = resource.getrlimit(which)[1]
        resource.setrlimit(which, (number, hard))
    return set_it


def test_too_few_descriptors_are_said_and_waited_for(world):
    """The limit is the smallest with which a run begins: what it needs is no promise."""
    flow = world.write("chain: [{run: echo one}, {run: echo two}]\n")
    for number in range(16, 64):
        process = world.start("run", flow, preexec_fn=limited(resource.RLIMIT_NOFILE, number))
        told = []
        for line in process.stderr:
            told.append(line.decode())
            if "no process can be started" in told[-1]:
                break
        if told and "no process can be started" in told[-1]:
            break
        world.end(process)
    assert "`ulimit -n`" in told[-1], told
    resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (1024, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    world.end(process, 0)


@pytest.mark.parametrize("kilobytes, code", [(16, 3), (300, 1)])
def test_a_limit_on_the_size_of_files_is_an_error_and_no_signal(world, kilobytes, code):
    flow = world.write("chain: [{run: seq 100000}, {run: echo done}]\n")
    process = world.start("run", flow, preexec_fn=limited(resource.RLIMIT_FSIZE, kilobytes << 10))
    assert "File too large" in world.end(process, code)[1]

"""`--events FILE`: what happens to a run as lines of JSON, at least once, and never at the run's cost."""

import fcntl
import http.server
import json
import os
import pathlib
import signal
import subprocess
import threading

import pytest

from conftest import ACTANT, PATIENCE_S

FLOW = "chain:\n- run: echo one\n- id: t\n  run: echo two\n- for: [1, 2, 3]\n  do: {run: 'true'}\n"


SLOW = {"ACTANT_EVENTS_TIMEOUT": "5s"}  # for a place that is to be given up


@pytest.fixture(autouse=True)
def patient(world):
    """A place that takes what it is given does so before its run's command ends, however slow the machine is."""
    world.env["ACTANT_EVENTS_TIMEOUT"] = f"{PATIENCE_S}s"


def lines(path):
    """Those that are whole: somebody may be in the middle of the last one."""
    text = path.read_bytes()
    return [json.loads(line) for line in text[:text.rfind(b"\n") + 1].splitlines() if line]


def stored(world, run):
    out = world("history", "events", run, "--json", code=0).out
    return [{"run": run, **json.loads(line)} for line in out.splitlines()]


def assert_all_there(world, path, run):
    """At least once: every event of the history, and each line is one of them. The end may come early."""
    got = [line for line in lines(path) if line["run"] == run]
    expected = stored(world, run)
    assert {line["seq"] for line in got} == {line["seq"] for line in expected}
    by_seq = {line["seq"]: line for line in expected}
    for line in got:
        assert line == by_seq[line["seq"]]
    return got


def test_each_event_once_and_in_order_but_for_the_end(world):
    file = world.path / "events.jsonl"
    run = json.loads(world("run", world.write(FLOW), "--json", "--events", "events.jsonl", code=0).out)["run"]
    got = assert_all_there(world, file, run)
    seqs = [line["seq"] for line in got if line["type"] != "run_ended"]
    assert seqs == sorted(set(seqs)) and len(got) == len(seqs) + 1


def test_many_runs_share_a_file_and_rerun_goes_on_with_it(world):
    file = world.path / "events.jsonl"
    (world.path / "actant.toml").write_text('events = ["events.jsonl"]\n')
    flow = world.write(FLOW)
    started = [world.start("run", flow, "--json") for _ in range(3)]
    runs = [json.loads(world.end(process, 0)[0])["run"] for process in started]
    (world.path / "actant.toml").unlink()
    runs.append(json.loads(world("rerun", runs[0], "--json", code=0).out)["run"])
    for run in runs:
        assert len(assert_all_there(world, file, run)) == len(stored(world, run))


@pytest.mark.parametrize("detach", [[], ["--detach"]])
def test_a_database_is_no_file_for_events(world, detach):
    flow = world.write(FLOW)
    run = json.loads(world("run", flow, "--json", code=0).out)["run"]
    for name in (str(world.db), f"{world.db}-wal"):
        result = world("run", flow, "--events", name, *detach, code=2)
        assert "database" in result.err and "another name" in result.err
    assert [row["run"] for row in json.loads(world("history", "list", "--json", code=0).out)["runs"]] == [run]
    (world.path / "actant.toml").write_text(f'events = ["{world.db}"]\n')
    world("run", flow, *detach, code=2)
    world("history", "verify", run, code=0)


def test_a_file_that_becomes_a_database_is_left_alone(world):
    file = world.path / "events.jsonl"
    run = json.loads(world("run", world.write(FLOW), "--json", "--events", "events.jsonl", code=0).out)["run"]
    world("export", run, "-o", "kept.db", code=0)
    os.replace(world.path / "kept.db", file)
    before = file.read_bytes()
    assert "no events are told to" in world("rerun", run, code=0).err
    assert file.read_bytes() == before


def test_a_timeout_that_is_none_is_said(world):
    done = world("run", world.write(FLOW), "--events", "a.jsonl", env={"ACTANT_EVENTS_TIMEOUT": "soon"}, code=0)
    assert "ACTANT_EVENTS_TIMEOUT" in done.err and "soon" in done.err


def test_the_environment_names_one_more(world):
    files = [world.path / name for name in ("project.jsonl", "environment.jsonl", "option.jsonl")]
    (world.path / "actant.toml").write_text('events = "project.jsonl"\n')
    done = world("run", world.write(FLOW), "--json", "--events", "option.jsonl",
                 env={"ACTANT_EVENTS": "environment.jsonl"}, code=0)
    for file in files:
        assert_all_there(world, file, json.loads(done.out)["run"])


@pytest.mark.parametrize("level", ["process", "power"])
def test_after_a_kill_resume_sends_what_is_missing(world, level):
    world.env["ACTANT_DURABILITY"] = level
    file = world.path / "events.jsonl"
    flow = world.write("chain:\n- for: ${{ range(40) }}\n  do: {run: 'true'}\n- run: touch up; sleep 1000\n"
                       "  timeout: 1000s\n- run: echo end\n")
    process = world.start("run", flow, "--events", str(file))
    world.wait_file("up")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    run = world.last_run()
    world.env["PATH"] = f"{world.path}/bin:{world.env['PATH']}"
    (world.path / "bin").mkdir()
    (world.path / "bin" / "sleep").write_text("#!/bin/sh\n")
    (world.path / "bin" / "sleep").chmod(0o755)
    world("resume", run, code=0)
    got = assert_all_there(world, file, run)
    assert len(got) <= 2 * len(stored(world, run))


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_a_full_disk_is_said_once_and_harms_nothing(world):
    done = world("run", world.write(FLOW), "--json", "--events", "/dev/full", code=0)
    run = json.loads(done.out)["run"]
    assert done.err.count("cannot be written to /dev/full: No space left on device") == 1
    count = len(stored(world, run))
    assert f"{count} events of the run are not in /dev/full; `actant resume {run}` sends them again" in done.err
    world("history", "verify", run, code=0)


def test_a_place_that_is_missing_gets_all_once_it_is_there(world):
    file = world.path / "later" / "events.jsonl"
    done = world("run", world.write(FLOW), "--json", "--events", str(file), code=0)
    run = json.loads(done.out)["run"]
    assert "No such file or directory" in done.err
    file.parent.mkdir()
    again = world("resume", run, "--json", code=0)
    assert json.loads(again.out)["run"] == run and "events" not in again.err
    assert len(assert_all_there(world, file, run)) == len(stored(world, run))
    world("resume", run, "--json", code=0)  # and nothing twice
    assert len(lines(file)) == len(stored(world, run))


def test_part_of_a_line_that_somebody_left_spoils_one_line_alone(world):
    """As a power cut or a kill within a write leaves it: the process that wrote it does not live to mend it."""
    file = world.path / "events.jsonl"
    file.write_text('{"run":"gone","seq":1}\n{"run":"gone","se')
    run = json.loads(world("run", world.write(FLOW), "--json", "--events", "events.jsonl", code=0).out)["run"]
    first, torn, *rest = file.read_text().splitlines()
    assert json.loads(first)["seq"] == 1 and torn == '{"run":"gone","se'
    assert {json.loads(line)["seq"] for line in rest} == seqs_of(stored(world, run))


def test_a_file_that_is_moved_away_is_begun_again(world):
    file = world.path / "events.jsonl"
    flow = world.write("chain:\n- run: 'true'\n- wait: go\n- run: 'true'\n")
    process = world.start("run", flow, "--events", "events.jsonl")
    world.wait("the wait", lambda: file.exists() and any(e["type"] == "node_parked" for e in lines(file)))
    file.rename(world.path / "events.1.jsonl")
    run = world.last_run()
    world("signal", run, "go", code=0)
    world.end(process, 0)
    old, new = lines(world.path / "events.1.jsonl"), lines(file)
    assert old and new and not seqs_of(old) & seqs_of(new)
    assert seqs_of(old) | seqs_of(new) == seqs_of(stored(world, run))


def test_a_full_disk_that_gets_room_again(world):
    """A write is cut short in the middle of the events; later there is room, and all of them are there."""
    file = world.path / "events.jsonl"
    flow = world.write("chain:\n- for: ${{ range(60) }}\n  do: {run: 'true'}\n- run: 'true'\n")
    limited = ["sh", "-c", 'ulimit -f 8; trap "" XFSZ; exec "$0" "$@"', ACTANT, "run", str(flow), "--json",
               "--no-history", "--events", str(file)]
    done = subprocess.run(limited, env=world.env, cwd=world.path, capture_output=True, text=True, timeout=PATIENCE_S,
                          stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    assert "cannot be written" in done.stderr and "events of the run are not in" in done.stderr
    size = file.stat().st_size
    assert size <= 8 * 1024
    run = json.loads(world("run", flow, "--json", "--events", str(file), code=0).out)["run"]
    whole = []
    for line in file.read_text().splitlines():
        try:
            whole.append(json.loads(line))
        except ValueError:
            pass  # cut
    assert seqs_of([line for line in whole if line["run"] == run]) == seqs_of(stored(world, run))


def test_a_pipe_that_nobody_reads_holds_nothing_up(world):
    pipe = world.path / "pipe"
    os.mkfifo(pipe)
    done = world("run", world.write(FLOW), "--events", str(pipe), code=0)
    assert "cannot be written" in done.err


def test_a_reader_that_pauses_gets_every_line_once(world):
    """It begins to read when there is far more than the pipe has room for."""
    pipe = world.path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, 4096)
    flow = world.write("chain:\n- for: ${{ range(60) }}\n  do: {run: 'true'}\n"
                       "- run: 'while ! test -e go; do sleep 0.02; done'\n")
    process = world.start("run", flow, "--events", str(pipe))
    run = world.last_run()
    world.wait("more events than the pipe takes", lambda: len(stored(world, run)) > 180)
    os.set_blocking(reader, True)
    (world.path / "go").touch()
    with os.fdopen(reader, "rb") as source:
        seqs = [json.loads(line)["seq"] for line in source]
    assert "events" not in world.end(process, 0)[1]
    assert sorted(seqs) == [line["seq"] for line in stored(world, run)]


def test_a_reader_that_is_slow_gets_the_rest_from_the_history(world):
    """The pipe is full long before the run is over; the run is not held up, and nothing is lost."""
    pipe, copy = world.path / "pipe", world.path / "copy"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    flow = world.write("chain:\n- for: ${{ range(150) }}\n  do: {run: 'true'}\n- run: echo end\n")
    done = world("run", flow, "--json", "--events", str(pipe), "-j", "4", env=SLOW, code=0)
    run = json.loads(done.out)["run"]
    assert "sends them again" in done.err and "cannot be written" not in done.err
    for _ in range(100):
        with open(copy, "ab") as out:
            while True:
                try:
                    part = os.read(reader, 1 << 20)
                except BlockingIOError:
                    break
                if not part:
                    break
                out.write(part)
        if "events" not in world("resume", run, env=SLOW, code=0).err:
            break
    with open(copy, "ab") as out:
        try:
            out.write(os.read(reader, 1 << 20))
        except BlockingIOError:
            pass
    os.close(reader)
    seqs = [line["seq"] for line in lines(copy)]
    assert sorted(seqs) == [line["seq"] for line in stored(world, run)]  # none is cut, none comes twice


def test_without_history(world):
    file = world.path / "events.jsonl"
    world("run", world.write(FLOW), "--no-history", "--events", str(file), code=0)
    seqs = sorted(line["seq"] for line in lines(file))
    assert seqs == list(range(1, len(seqs) + 1)) and len(seqs) > 10


def test_in_the_background(world):
    file = world.path / "events.jsonl"
    done = world("run", world.write(FLOW), "--detach", "--json", "--events", "events.jsonl", code=0)
    run = json.loads(done.out)["run"]
    world.wait("its end", lambda: file.exists() and any(e["type"] == "run_ended" for e in lines(file)))
    world.wait("all of it", lambda: len(lines(file)) == len(stored(world, run)))
    assert_all_there(world, file, run)


# ---- webhooks ----------------------------------------------------------------------------------

class Hook(http.server.BaseHTTPRequestHandler):
    """Answers with what the test has in store, then 204; a request that is answered 2xx counts."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        server = self.server
        server.came.set()
        if server.hang:
            server.let_go.wait(PATIENCE_S)
        status = server.answers.pop(0) if server.answers else 204
        if status < 300:
            server.lines += [json.loads(line) for line in body.splitlines()]
            server.kinds.add((self.headers["Content-Type"], self.path))
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def hook():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    server.daemon_threads = True
    server.answers, server.lines, server.kinds, server.hang = [], [], set(), False
    server.came, server.let_go = threading.Event(), threading.Event()
    server.url = f"http://127.0.0.1:{server.server_port}/hook?x=1"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.let_go.set()
    server.shutdown()
    server.server_close()
    thread.join()


def seqs_of(lines):
    return {line["seq"] for line in lines}


def test_a_webhook_gets_each_event_once(world, hook):
    done = world("run", world.write(FLOW), "--json", "--events", hook.url, code=0)
    run = json.loads(done.out)["run"]
    assert sorted(line["seq"] for line in hook.lines) == [line["seq"] for line in stored(world, run)]
    assert hook.kinds == {("application/x-ndjson", "/hook?x=1")}
    assert "events" not in done.err


def test_a_webhook_that_fails_is_tried_again(world, hook):
    hook.answers = [500, 302, 429]
    flow = world.write("chain:\n- run: 'true'\n- wait: go\n- run: 'true'\n")
    process = world.start("run", flow, "--events", hook.url)
    world.wait("an answer that is good", lambda: hook.lines)
    run = world.last_run()
    world("signal", run, "go", code=0)
    err = world.end(process, 0)[1]
    assert err.count("cannot be written to") == 1 and "HTTP 500" in err
    assert seqs_of(hook.lines) == seqs_of(stored(world, run))


def test_a_webhook_that_is_gone_harms_nothing_and_gets_all_later(world, hook):
    flow = world.write(FLOW)
    late = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook, bind_and_activate=False)
    late.server_bind()  # the port is ours, and nobody listens yet
    url = f"http://127.0.0.1:{late.socket.getsockname()[1]}/"
    done = world("run", flow, "--json", "--events", url, code=0)
    run = json.loads(done.out)["run"]
    assert "sends them again" in done.err and "onnect" in done.err
    late.answers, late.lines, late.kinds, late.hang = [], [], set(), False
    late.came, late.let_go = threading.Event(), threading.Event()
    late.server_activate()
    threading.Thread(target=late.serve_forever, daemon=True).start()
    try:
        assert "events" not in world("resume", run, code=0).err
        assert seqs_of(late.lines) == seqs_of(stored(world, run))
    finally:
        late.shutdown()
        late.server_close()


def test_a_webhook_that_hangs_holds_up_the_end_for_a_while_only(world, hook):
    hook.hang = True
    flow = world.write("chain:\n- run: 'true'\n- wait: go\n- run: 'true'\n")
    process = world.start("run", flow, "--events", hook.url, env=SLOW)
    world.wait("a request", hook.came.is_set)
    run = world.last_run()
    world("signal", run, "go", code=0)
    err = world.end(process, 0)[1]
    count = len(stored(world, run))
    assert f"{count} events of the run are not in {hook.url}" in err


def test_the_end_waits_as_long_as_it_is_told(world, hook):
    """Here longer than the 5 s that it waits of itself."""
    hook.hang = True
    later = threading.Timer(6, hook.let_go.set)
    later.start()
    done = world("run", world.write(FLOW), "--json", "--events", hook.url, code=0)
    later.join()
    assert "events of the run are not" not in done.err
    assert seqs_of(hook.lines) == seqs_of(stored(world, json.loads(done.out)["run"]))


def helpers_of(pid):
    """Those that live: its tasks come and go meanwhile."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            head, tail = (entry / "stat").read_text().rsplit(")", 1)
        except OSError:
            continue
        if head.split("(", 1)[1] == "actant-node" and tail.split()[0] != "Z" and int(tail.split()[1]) == pid:
            found.append(int(entry.name))
    return found


def test_the_helper_dies_and_is_started_again(world, hook):
    flow = world.write("chain:\n- run: 'true'\n- wait: go\n- run: 'true'\n")
    process = world.start("run", flow, "--events", hook.url)
    world.wait("a first batch", lambda: hook.lines)
    [helper] = helpers_of(process.pid)
    os.kill(helper, signal.SIGKILL)
    run = world.last_run()
    world("signal", run, "go", code=0)
    err = world.end(process, 0)[1]
    assert "events of the run are not" not in err
    assert seqs_of(hook.lines) == seqs_of(stored(world, run))


def test_without_the_helper(world, hook):
    world.env["ACTANT_PROGRAM"] = str(world.path / "nowhere" / "actant")
    done = world("run", world.write(FLOW), "--events", hook.url, code=0)
    assert "actant-node cannot be started: No such file or directory" in done.err
    assert not hook.lines



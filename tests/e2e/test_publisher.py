"""`--events nng+tcp://…` and `nng+ipc://…`: what happens to a run, published to whoever subscribes."""

import contextlib
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import threading

import pytest

from conftest import ACTANT, PATIENCE_S, is_gone

SUBSCRIBER = pathlib.Path(ACTANT).parent / "tests" / "nng" / "nng_subscriber"
FLOW = "name: deploy it\nchain:\n- run: echo one\n- id: t\n  run: echo two\n- for: [1, 2, 3]\n  do: {run: 'true'}\n"
SLOW = {"ACTANT_EVENTS_TIMEOUT": "2s"}  # for a place that is to be given up
WAITS = "chain:\n- run: 'true'\n- wait: go\n- run: 'true'\n"


class Subscriber:
    """A program of its own; what it prints is read as it comes."""

    def __init__(self, how, address, *beginnings):
        self.process = subprocess.Popen([SUBSCRIBER, how, address, *beginnings], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE)
        self.lines = []
        self.thread = threading.Thread(target=self.read)
        self.thread.start()

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line.decode())

    def messages(self):
        """(topic words, event) of each, in order."""
        got = [line.split(" ", 3) for line in list(self.lines) if not line.startswith("up ")]
        return [(tuple(words[:3]), json.loads(words[3])) for words in got]

    def events(self):
        return [event for _, event in self.messages()]

    def is_up(self):
        return any(line.startswith("up ") for line in list(self.lines))

    def end(self):
        self.process.kill()
        self.process.wait()
        self.thread.join()
        self.process.stdout.close()


@pytest.fixture(autouse=True)
def waits_for_places(world):
    world.env["ACTANT_EVENTS_TIMEOUT"] = f"{PATIENCE_S}s"


@pytest.fixture
def subscribe():
    all_of_them = []

    def begin(*args):
        all_of_them.append(Subscriber(*args))
        return all_of_them[-1]
    yield begin
    for one in all_of_them:
        one.end()


@pytest.fixture
def address():
    """Of a port that is free, and that the system gives nobody who does not ask for it by its number."""
    first = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port = random.randrange(1024, first if first > 2048 else 65536)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return f"tcp://127.0.0.1:{port}"


def stored(world, run):
    out = world("history", "events", run, "--json", code=0).out
    return [{"run": run, **json.loads(line)} for line in out.splitlines()]


def by_seq(events):
    return {event["seq"]: event for event in events}


def wait_all(world, subscriber, run, twice=False):
    """Each event of the history, as it stands there; none twice, unless that may be."""
    expected = stored(world, run)
    world.wait("all events", lambda: len({e["seq"] for e in subscriber.events() if e["run"] == run}) >= len(expected))
    got = [event for event in subscriber.events() if event["run"] == run]
    assert by_seq(got) == by_seq(expected) and (twice or len(got) == len(expected))
    return got


def connect(world, run, listener):
    """Until an event comes: who subscribes is up before the other side has added it to those whom it publishes to."""
    def comes():
        return listener.events() or world("signal", run, "tick", code=0) is None
    world.wait("an event", comes)


def text_of(file):
    """Of a process or a thread, which may have gone."""
    try:
        return file.read_text()
    except OSError:
        return ""


def helpers_of(process):
    children = pathlib.Path(f"/proc/{process.pid}/task").glob("*/children")
    return [int(pid) for file in children for pid in text_of(file).split()
            if "actant-node" in text_of(pathlib.Path(f"/proc/{pid}/comm"))]


def test_a_subscriber_gets_each_event(world, subscribe, address):
    listener = subscribe("dial", address)
    done = world("run", world.write(FLOW), "--json", "--events", f"nng+{address}?subscribers=1", code=0)
    run = json.loads(done.out)["run"]
    got = wait_all(world, listener, run)
    assert "not in" not in done.err
    seqs = [event["seq"] for event in got if event["type"] != "run_ended"]
    assert seqs == sorted(seqs)
    for topic, event in listener.messages():
        assert topic == (event["type"], "deploy%20it", run)


def test_a_subscriber_chooses_by_how_a_message_begins(world, subscribe, address):
    ends = subscribe("dial", address, "run_ended deploy%20it ")
    nodes = subscribe("dial", address, "node_ended ", "attempt_ended ")
    others = subscribe("dial", address, "run_ended other ", "run_ended deploy ")
    done = world("run", world.write(FLOW), "--json", "--events", f"nng+{address}?subscribers=3", code=0)
    run = json.loads(done.out)["run"]
    wanted = [e for e in stored(world, run) if e["type"] in ("node_ended", "attempt_ended")]
    world.wait("what was chosen", lambda: len(nodes.events()) >= len(wanted) and ends.events())
    assert nodes.events() == wanted and len(wanted) > 5
    assert [e["status"] for e in ends.events()] == ["succeeded"]
    world.wait("the one who gets nothing", others.is_up)
    assert not others.events()


def test_several_runs_dial_one_subscriber(world, subscribe, address):
    listener = subscribe("listen", address)
    world.wait("the subscriber", listener.is_up)
    (world.path / "actant.toml").write_text(f'events = ["nng+{address}?dial"]\n')
    flow = world.write(FLOW)
    started = [world.start("run", flow, "--json") for _ in range(3)]
    runs = [json.loads(world.end(process, 0)[0])["run"] for process in started]
    for run in runs:
        wait_all(world, listener, run)


def test_without_a_subscriber_to_dial_events_wait_in_the_history(world, subscribe, address):
    done = world("run", world.write(FLOW), "--json", "--events", f"nng+{address}?dial", code=0, env=SLOW)
    run = json.loads(done.out)["run"]
    count = len(stored(world, run))
    assert done.err.count("no subscriber can be reached") == 1
    assert f"{count} events of the run are not in nng+{address}?dial; `actant resume {run}` sends them" in done.err
    listener = subscribe("listen", address)
    world.wait("the subscriber", listener.is_up)
    assert "events" not in world("resume", run, code=0).err
    wait_all(world, listener, run)


def test_nobody_needs_to_listen(world, address):
    target = f"nng+{address}?subscribers=0"
    done = world("run", world.write(FLOW), "--json", "--events", target, code=0)
    assert "events" not in done.err
    run = json.loads(done.out)["run"]
    marks = list((world.db.parent / "runs" / run).glob("events-*")) or list(world.db.parent.rglob("events-*"))
    assert [int(mark.read_text()) for mark in marks] == [len(stored(world, run))]  # published, to nobody


def test_the_first_subscriber_is_waited_for(world, subscribe, address):
    """Without a number: it has a second to come, also when the run is over sooner."""
    listener = subscribe("dial", address)
    process = world.start("run", world.write(WAITS), "--events", f"nng+{address}")
    run = world.last_run()
    connect(world, run, listener)
    world("signal", run, "go", code=0)
    assert "events" not in world.end(process, 0)[1]
    world.wait("its end", lambda: any(e["type"] == "run_ended" for e in listener.events()))


def test_an_address_in_use_is_said_and_taken_once_it_is_free(world, subscribe, address):
    host, port = address.removeprefix("tcp://").split(":")
    process = None
    with socket.create_server((host, int(port))):
        process = world.start("run", world.write(WAITS), "--json", "--events", f"nng+{address}?subscribers=1")
        err = [process.stderr.readline().decode() for _ in range(1)]
        while "Address in use" not in err[-1]:
            assert err[-1], "".join(err)
            err.append(process.stderr.readline().decode())
    listener = subscribe("dial", address)
    run = world.last_run()
    world.wait("the first events", listener.events)
    world("signal", run, "go", code=0)
    assert "events" not in world.end(process, 0)[1]
    wait_all(world, listener, run)


def test_any_port_is_told(world, subscribe):
    process = world.start("run", world.write(WAITS), "--events", "nng+tcp://127.0.0.1:0?subscribers=0")
    line = ""
    while "published at nng+tcp://127.0.0.1:" not in line:
        line = process.stderr.readline().decode()
        assert line
    real = line.split("nng+")[1].strip()
    assert not real.endswith(":0")
    listener = subscribe("dial", real)
    run = world.last_run()
    connect(world, run, listener)
    world("signal", run, "go", code=0)
    world.end(process, 0)
    world.wait("its end", lambda: "succeeded" in [e["status"] for e in listener.events() if e["type"] == "run_ended"])


@pytest.mark.parametrize("transport", ["tcp", "ipc"])
def test_the_helper_dies_and_another_publishes_on(world, subscribe, address, transport):
    if transport == "ipc":
        address = f"ipc://{world.path}/events.sock"  # is left behind by who was killed
    listener = subscribe("dial", address)
    process = world.start("run", world.write(WAITS), "--events", f"nng+{address}?subscribers=1")
    run = world.last_run()
    world.wait("what was before", lambda: any(e["type"] == "node_parked" for e in listener.events()))
    (helper,) = world.wait("the helper", lambda: helpers_of(process))
    os.kill(helper, signal.SIGKILL)
    world("signal", run, "go", code=0)
    assert "events of the run are not" not in world.end(process, 0)[1]
    wait_all(world, listener, run, twice=True)  # it may have died before it could answer
    assert is_gone(helper)


def test_one_that_stands_still_holds_up_neither_the_run_nor_the_others(world, subscribe):
    address = f"ipc://{world.path}/events.sock"
    still = subscribe("dial", address)
    listener = subscribe("dial", address)
    flow = world.write("chain:\n- wait: go\n- for: ${{ range(200) }}\n"
                       "  do: {run: \"head -c 4000 /dev/zero | tr '\\\\0' x\"}\n")
    process = world.start("run", flow, "-j", "2", "--json", "--events", f"nng+{address}?subscribers=2")
    run = world.last_run()
    world.wait("both", lambda: still.events() and listener.events())
    still.process.send_signal(signal.SIGSTOP)
    world("signal", run, "go", code=0)
    world.end(process, 0)
    wait_all(world, listener, run)
    still.process.send_signal(signal.SIGCONT)


def test_a_large_event_and_a_strange_name(world, subscribe, address):
    listener = subscribe("dial", address)
    flow = world.write(f"name: a%b ü\nparams: {{p: {{type: string}}}}\nvalue: ${{{{ params.p }}}}\n")
    done = world("run", flow, "--json", "-p", "p=" + "ü" * 60_000, "--events", f"nng+{address}?subscribers=1",
                 code=0)
    run = json.loads(done.out)["run"]
    wait_all(world, listener, run)
    assert {topic[1] for topic, _ in listener.messages()} == {"a%25b%20ü"}


def test_without_history(world, subscribe, address):
    listener = subscribe("dial", address)
    world("run", world.write(FLOW), "--no-history", "--events", f"nng+{address}?subscribers=1", code=0)
    world.wait("its end", lambda: any(e["type"] == "run_ended" for e in listener.events()))
    seqs = sorted(e["seq"] for e in listener.events())
    assert seqs == list(range(1, len(seqs) + 1)) and len(seqs) > 10


def test_in_the_background(world, subscribe, address):
    listener = subscribe("dial", address)
    done = world("run", world.write(FLOW), "--detach", "--json", "--events", f"nng+{address}?subscribers=1", code=0)
    run = json.loads(done.out)["run"]
    world("attach", run, code=0)
    wait_all(world, listener, run)


@pytest.mark.parametrize("target, words", [
    ("nng+tcp://127.0.0.1", "no HOST:PORT"), ("nng+tcp://:80", "no HOST:PORT"), ("nng+tcp://h:99999", "no HOST:PORT"),
    ("nng+tcp://h:1x", "no HOST:PORT"), ("nng+tcp://[::1]", "no HOST:PORT"), ("nng+tcp://h:0?dial", "port 0"),
    ("nng+tcp://h:1?dail", "'dail'"), ("nng+tcp://h:1?subscribers=x", "no number"),
    ("nng+tcp://h:1?dial&subscribers=2", "one subscriber"), ("nng+ipc://here", "no absolute path"),
    ("nng+ipc:///" + "x" * 200, "at most 107 bytes"), ("nng+tls+tcp://h:1", "is not offered"),
    ("nng+ws://h:1", "nng+tcp://HOST:PORT"), ("ftp://h/", "it is a file"),
])
def test_what_is_no_target(world, target, words):
    done = world("run", world.write(FLOW), "--events", target, code=2)
    assert words in done.err and not world.db.exists()


def test_an_address_that_is_not_ours(world):
    done = world("run", world.write(FLOW), "--events", "nng+tcp://192.0.2.1:4000", code=0, env=SLOW)
    assert "cannot be written to nng+tcp://192.0.2.1:4000: Address invalid" in done.err


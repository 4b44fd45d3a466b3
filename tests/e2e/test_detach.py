"""Runs in the background: who dies, and what becomes of the run. A keeper hosts the attempts, a
coordinator, its child, feeds the run; processes are found by the words that they show in the process
list."""

import json
import os
import pathlib
import signal
import sqlite3
import subprocess
import threading
import time

import pytest

from conftest import ACTANT, PATIENCE_S


def processes(*words):
    """Ids of processes whose command line begins with these words; not of one that one of them has just forked, which
    has its words until it has become another program."""
    found = {}
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            line = (entry / "cmdline").read_bytes().split(b"\0")[:-1]
            state, parent = (entry / "stat").read_text().rsplit(")", 1)[1].split()[:2]
        except OSError:
            continue
        if line[: len(words)] == [word.encode() for word in words] and state != "Z":
            found[int(entry.name)] = int(parent)
    return [pid for pid, parent in found.items() if parent not in found]


def kill_all(run):
    for kind in ("keeper", "coordinator"):
        for pid in processes("actant", kind, run):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass  # it has ended by itself


class Detached:
    """A run in the background."""

    def __init__(self, world, text, *args, **more):
        self.world = world
        file = world.write(text)
        self.run = world.json("run", "--detach", file, *args, **more)["run"]

    def one(self, kind):
        return self.world.wait(f"the {kind}", lambda: processes("actant", kind, self.run))[0]

    def keeper(self):
        return self.one("keeper")

    def coordinator(self):
        return self.one("coordinator")

    def adopted(self, times):
        """Waits until so many coordinators have taken the run up from one that died."""
        self.world.wait(f"adoption {times}", lambda: len(self.events("adopted")) >= times)

    def kill_coordinator(self):
        """One that has the run; waits until the next one has it."""
        before = len(self.events("adopted"))
        os.kill(self.coordinator(), signal.SIGKILL)
        self.adopted(before + 1)

    def status(self):
        return self.world.show(self.run)["status"]

    def end(self, status="succeeded"):
        """Waits for the run's end and for its processes to go."""
        self.world.wait("the end", lambda: self.status() != "running")
        self.gone()
        assert self.status() == status
        return self.world.show(self.run)

    def gone(self):
        for kind in ("keeper", "coordinator"):
            self.world.wait(f"the {kind}'s end", lambda: not processes("actant", kind, self.run))

    def node(self, name):
        return self.world.node(name, self.run)

    def events(self, kind):
        out = self.world("history", "events", self.run, "--json", code=0).out
        return [e for e in map(json.loads, out.splitlines()) if e["type"] == kind]


@pytest.fixture
def detach(world):
    runs = []

    def start(text, *args, **more):
        runs.append(Detached(world, text, *args, **more))
        return runs[-1]
    yield start
    for run in runs:  # nothing stays, however the test went
        kill_all(run.run)


def lines(world, name):
    file = world.path / name
    return file.read_text().splitlines() if file.exists() else []


# A gate is opened by the test: no task ends by the clock.
def gate(name):
    return f"until [ -e {name} ]; do sleep 0.05; done"


def open_gate(world, name):
    (world.path / name).write_text("")


def test_it_says_which_run_and_goes_on(world, detach):
    run = detach(f"chain:\n  - run: echo one; {gate('g')}\n  - run: cat; echo two\n")
    assert run.status() == "running"
    keeper = run.keeper()
    assert os.getsid(keeper) == keeper and os.getsid(run.coordinator()) == keeper
    open_gate(world, "g")
    assert run.end()["result"] == "one\ntwo"
    assert not (world.db.parent / "actant.db.d" / run.run / "keeper").exists()


def test_mistakes_are_told_in_the_foreground(world):
    file = world.write("run: [1\n")
    done = world("run", "--detach", file, code=2)
    assert "flow.yaml" in done.err and done.out == ""
    file = world.write("params: {n: {type: int}}\nrun: echo ${{ params.n }}\n")
    world("run", "--detach", file, "-p", "n=x", code=2)
    world("run", "--detach", "--no-history", file, "-p", "n=1", code=2)
    assert not world.db.exists() or world.json("history", "list")["runs"] == []


def test_the_coordinator_is_killed(world, detach):
    text = f"""
group:
  - {{run: "echo x >> ended; {gate('g1')}; echo gone by; exit 7", on_error: continue}}
  - {{run: "echo x >> once; {gate('g2')}; echo done", idempotent: false}}
  - {{run: "echo x >> large; head -c 1000000 /dev/zero | tr '\\\\0' y; {gate('g2')}", output: text}}
  - {{run: "echo x >> twice; [ $(wc -l < twice) -gt 1 ] || {{ {gate('g1')}; exit 5; }}; echo well", retry: 2}}
"""
    run = detach(text, "-j", "8")
    for name in ("ended", "once", "large", "twice"):
        world.wait_line(name)
    first = run.coordinator()
    keeper = run.keeper()
    os.kill(keeper, signal.SIGSTOP)  # nobody replaces it now
    os.kill(first, signal.SIGKILL)
    open_gate(world, "g1")  # two tasks end while there is no coordinator
    time.sleep(0.3)
    os.kill(keeper, signal.SIGCONT)
    run.adopted(1)
    assert run.coordinator() != first and run.keeper() == keeper
    world.wait("the retry", lambda: len(lines(world, "twice")) == 2)
    open_gate(world, "g2")
    run.end()
    assert [len(lines(world, name)) for name in ("ended", "once", "large", "twice")] == [1, 1, 1, 2]
    assert run.node("group[0]")["exit_code"] == 7
    assert world("logs", run.run, "group[0]").out == "gone by\n"
    assert world("logs", run.run, "group[1]").out == "done\n"
    assert world("logs", run.run, "group[2]").out == "y" * 1000000
    assert run.node("group[3]")["attempt"] == 2
    assert not any(e.get("cause") == "lost" for e in run.events("attempt_ended"))
    world("history", "verify", run.run, code=0)


def test_the_coordinator_is_killed_again_and_again(world, detach):
    run = detach(f"chain:\n  - run: echo x >> a; {gate('g')}; echo 1\n  - run: echo y >> b; cat\n")
    world.wait_line("a")
    for _ in range(6):
        run.kill_coordinator()
    open_gate(world, "g")
    assert run.end()["result"] == "1"
    assert lines(world, "a") == ["x"] and lines(world, "b") == ["y"]
    world("history", "verify", run.run, code=0)


def test_both_die(world, detach):
    text = f"""
group:
  - {{run: "echo x >> ended; {gate('g1')}; echo before; exit 7", on_error: continue}}
  - {{run: "echo x >> again; [ $(wc -l < again) -gt 1 ] || sleep 600; echo after"}}
"""
    run = detach(text, "-j", "4")
    world.wait_line("ended")
    world.wait_line("again")
    keeper, coordinator = run.keeper(), run.coordinator()
    os.kill(coordinator, signal.SIGSTOP)  # it writes nothing down any more
    open_gate(world, "g1")
    ends = world.db.parent / "actant.db.d" / run.run / "ends"
    world.wait("the end on disk", lambda: ends.stat().st_size > 0)
    os.kill(keeper, signal.SIGKILL)
    os.kill(coordinator, signal.SIGKILL)
    run.gone()
    assert run.status() == "interrupted"
    document = world.json("resume", run.run)
    assert document["status"] == "succeeded"
    assert lines(world, "ended") == ["x"]  # proven: not done again
    assert lines(world, "again") == ["x", "x"]
    assert run.node("group[0]")["exit_code"] == 7
    assert world("logs", run.run, "group[0]").out == "before\n"
    assert not ends.exists()
    world("history", "verify", run.run, code=0)


def test_a_run_that_kills_who_takes_it_up_is_left_alone(world, detach):
    """Coordinators that die before they have the run: two, and it is quarantined; the keeper stops."""
    run = detach(f"run: echo x >> a; {gate('g')}; echo well; exit 3\n")
    world.wait_line("a")
    keeper, coordinator = run.keeper(), run.coordinator()
    os.kill(keeper, signal.SIGSTOP)
    os.kill(coordinator, signal.SIGKILL)
    with sqlite3.connect(world.db, timeout=PATIENCE_S) as db:
        db.execute("INSERT OR REPLACE INTO recoveries SELECT id, 2, 0 FROM runs WHERE run = ?", [run.run])
    os.kill(keeper, signal.SIGCONT)
    world.wait("the quarantine", lambda: run.status() == "quarantined")
    open_gate(world, "g")
    run.gone()  # what ran has ended, and how is noted down
    assert "quarantined" in world("resume", run.run, code=3).err
    world("resume", run.run, "--quarantined", code=1)
    assert lines(world, "a") == ["x"] and run.status() == "failed"
    assert world("logs", run.run).out == "well\n"


def test_a_signal_to_the_keeper_suspends(world, detach):
    run = detach(f"run: echo x >> a; [ $(wc -l < a) -gt 1 ] || {gate('never')}; echo well\n")
    world.wait_line("a")
    run.coordinator()
    os.kill(run.keeper(), signal.SIGTERM)
    run.end("suspended")
    assert world.json("resume", run.run)["result"] == "well"
    assert lines(world, "a") == ["x", "x"]


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_attach_ends_by_what_suspended_the_run(world, detach, number, code):
    run = detach(f"run: echo x >> a; [ $(wc -l < a) -gt 1 ] || {gate('never')}; echo well\n")
    world.wait_line("a")
    run.coordinator()
    attached = world.start("attach", run.run)
    world.wait("its attempt", lambda: len(run.events("dispatched")) == 1)
    os.kill(run.keeper(), number)
    assert "suspended" in world.end(attached, code)[1]
    run.gone()
    assert world.json("attach", run.run, code=code)["status"] == "suspended"  # also afterwards
    assert [e["signal"] for e in run.events("suspend")] == [number]
    world("resume", run.run, code=0)
    world("attach", run.run, code=0)


def test_a_coordinator_that_hangs_is_replaced(world, detach):
    """Stopped, it does not die: the keeper kills it; the attempt never notices."""
    run = detach(f"chain:\n- run: echo x >> a; {gate('g')}; echo 7\n- run: echo y >> b; cat\n",
                 env={"ACTANT_COORDINATOR_TIMEOUT": "20s"})
    world.wait_line("a")
    first = run.coordinator()
    world.wait("its attempt", lambda: len(run.events("dispatched")) == 1)
    os.kill(first, signal.SIGSTOP)
    run.adopted(1)
    assert run.coordinator() != first and not pathlib.Path(f"/proc/{first}").exists()
    open_gate(world, "g")
    assert run.end()["result"] == "7"
    assert lines(world, "a") == ["x"] and lines(world, "b") == ["y"]
    world("history", "verify", run.run, code=0)


@pytest.mark.skipif(bool(os.environ.get("ACT_SANITIZE")), reason="fifteen seconds, and of no memory's concern")
def test_a_machine_that_sleeps_is_no_hang(world, detach):
    """Both stand still for longer than the bound; then the coordinator answers as it always did."""
    run = detach(f"run: echo x >> a; {gate('g')}; echo well\n", env={"ACTANT_COORDINATOR_TIMEOUT": "12s"})
    world.wait_line("a")
    keeper, coordinator = run.keeper(), run.coordinator()
    os.kill(keeper, signal.SIGSTOP)  # first: it is not to count beats without an answer
    os.kill(coordinator, signal.SIGSTOP)
    time.sleep(15)
    os.kill(keeper, signal.SIGCONT)
    os.kill(coordinator, signal.SIGCONT)
    open_gate(world, "g")
    assert run.end()["result"] == "well" and lines(world, "a") == ["x"]
    assert not run.events("adopted"), "it was replaced though it lived"


def test_nobody_else_takes_it_while_it_is_kept(world, detach):
    run = detach(f"run: echo x >> a; {gate('g')}\n")
    world.wait_line("a")
    keeper, coordinator = run.keeper(), run.coordinator()
    os.kill(keeper, signal.SIGSTOP)
    os.kill(coordinator, signal.SIGKILL)
    world.wait("its end", lambda: not processes("actant", "coordinator", run.run))
    assert run.status() == "running"
    assert str(keeper) in world("resume", run.run, code=3).err
    os.kill(keeper, signal.SIGCONT)
    open_gate(world, "g")
    run.end()
    assert lines(world, "a") == ["x"]


def test_cancel_and_signal(world, detach):
    run = detach("chain:\n  - {id: gate, wait: go}\n"
                 "  - try: {run: echo x >> a; sleep 600}\n    finally: {run: echo x >> finally}\n")
    world("signal", run.run, "go", "1", code=0)
    world.wait_line("a")
    run.kill_coordinator()
    world("cancel", run.run, code=0)
    run.end("cancelled")
    assert lines(world, "a") == ["x"] and lines(world, "finally") == ["x"]


def test_secrets_stay_in_memory(world, detach):
    secret = "correct-horse-battery-staple"
    text = ("secrets: [TOKEN]\nchain:\n"
            "  - run: echo $T > out; echo T is $T; " + gate("g") + "\n"
            "    env: {T: '${{ secrets.TOKEN }}'}\n"
            "  - run: '[ ${#T} = 28 ] && echo known'\n"
            "    env: {T: '${{ secrets.TOKEN }}'}\n")
    run = detach(text, env={"ACTANT_SECRET_TOKEN": secret})
    world.wait_line("out")
    for kind in ("keeper", "coordinator"):
        pid = run.one(kind)
        for name in ("environ", "cmdline"):
            assert secret.encode() not in pathlib.Path(f"/proc/{pid}/{name}").read_bytes()
    run.kill_coordinator()
    open_gate(world, "g")
    run.end()
    assert (world.path / "out").read_text() == secret + "\n"
    assert "T is ***" in world("logs", run.run).out
    assert run.node("chain[1]")["result"] == "known"
    for file in world.db.parent.rglob("*"):
        assert not file.is_file() or secret.encode() not in file.read_bytes(), file


def test_attach_follows_to_the_end(world, detach):
    text = f"""
chain:
  - {{id: first, run: "echo x >> a; echo before; {gate('g')}; echo after >&2"}}
  - {{id: second, run: "cat; exit 5"}}
"""
    run = detach(text)
    world.wait_line("a")
    first = world.start("attach", run.run, "--json")
    second = world.start("attach", run.run)
    run.kill_coordinator()  # who follows does not mind
    open_gate(world, "g")
    out, err = world.end(first, code=1)
    document = json.loads(out)
    assert document["run"] == run.run and document["status"] == "failed"
    assert document["error"]["node"] == "second"
    assert "first | before" in err and "first | after" in err and "second | before" in err
    out, err = world.end(second, code=1)
    assert out == "" and "failed" in err
    run.gone()
    again = world("attach", run.run, "--json", code=1)
    assert json.loads(again.out) == document
    assert world.json("resume", run.run, code=1) == document


def test_attach_leaves_the_run_alone(world, detach):
    run = detach(f"run: echo x >> a; {gate('g')}; echo well\n")
    world.wait_line("a")
    with open(world.path / "said", "wb") as said:
        attached = subprocess.Popen([ACTANT, "attach", run.run], env=world.env, stderr=said)
        world.started.append(attached)
        world.wait("its first line", lambda: b"run " in (world.path / "said").read_bytes())
        attached.send_signal(signal.SIGINT)
        assert attached.wait(PATIENCE_S) == 130
    assert "actant attach" in (world.path / "said").read_text()
    assert run.status() == "running" and processes("actant", "keeper", run.run)
    open_gate(world, "g")
    assert run.end()["result"] == "well"


def test_after_an_attach_the_run_is_free(world, detach):
    """Also after one that came when the run had ended and its keeper had not left."""
    run = detach("chain: [{wait: go}, {fail: no}]\n")
    keeper = run.keeper()
    world.wait("the wait", lambda: run.events("node_parked"))
    os.kill(keeper, signal.SIGSTOP)
    world("signal", run.run, "go", code=0)
    world.wait("the end", lambda: run.status() == "failed")
    later = threading.Timer(1, os.kill, (keeper, signal.SIGCONT))
    later.start()
    world("attach", run.run, code=1)
    world("retry", run.run, "--detach", code=0)
    later.join()
    run.end("failed")


def test_attach_to_a_run_that_nobody_drives(world, detach):
    run = detach(f"run: echo x >> a; [ $(wc -l < a) -gt 1 ] || {gate('never')}\n")
    world.wait_line("a")
    keeper, coordinator = run.keeper(), run.coordinator()
    os.kill(keeper, signal.SIGSTOP)
    os.kill(coordinator, signal.SIGKILL)
    attached = world.start("attach", run.run)  # its keeper lives: it waits
    world.wait("its end", lambda: not processes("actant", "coordinator", run.run))
    assert attached.poll() is None
    os.kill(keeper, signal.SIGKILL)
    assert "actant resume" in world.end(attached, code=3)[1]
    assert "interrupted" in world("attach", run.run, code=3).err
    world("resume", run.run, code=0)
    world("attach", run.run, code=0)
    world("attach", "nothing", code=2)


def test_what_cannot_be_begun_is_not(world):
    """The keeper finds no place for the run's files: there is no run, and no keeper."""
    world("run", world.write("run: 'true'"), code=0)
    (world.db.parent / "actant.db.d").write_text("in the way")
    done = world("run", "--detach", world.write("run: echo x >> a"), code=3)
    assert "actant.db.d" in done.err and done.out == ""
    assert len(world.json("history", "list")["runs"]) == 1
    assert lines(world, "a") == []
    world("run", "--detach", "--db", "/proc/none/x.db", world.write("run: 'true'"), code=3)


def test_lost_means_lost(world, detach):
    """Without a keeper there is no proof: what must not start twice does not."""
    run = detach(f"run: echo x >> a; {gate('never')}\nidempotent: false\nretry: 0\n",
                 "--durability", "power")
    world.wait_line("a")
    keeper, coordinator = run.keeper(), run.coordinator()
    os.kill(keeper, signal.SIGKILL)
    run.gone()  # a coordinator without its keeper leaves
    assert not processes("actant", "coordinator", run.run) and coordinator
    document = world.json("resume", run.run, code=1)
    assert document["error"]["cause"] == "lost" and lines(world, "a") == ["x"]
    assert leftovers(run.run) == []


def leftovers(run):
    """Processes of the run's attempts, by what stands in their environment."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and f"ACTANT_ATTEMPT_ID={run}-".encode() in (
                    entry / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:
            pass
    return found


def test_no_process_is_left(world, detach):
    run = detach("group:\n"
                 "  - run: sleep 1000 & setsid sleep 1000 & echo x >> a; sleep 1000\n"
                 "  - run: trap '' TERM; echo x >> b; while :; do sleep 0.1; done\n    grace: 1s\n")
    world.wait_line("a")
    world.wait_line("b")
    world.wait("all of them", lambda: len(leftovers(run.run)) >= 4)  # one that is in an exec shows no environment
    run.kill_coordinator()
    world("cancel", run.run, code=0)
    run.end("cancelled")
    assert leftovers(run.run) == []


def test_functions_and_actors_live_on(world, detach):
    """Workers and actors are the keeper's, too."""
    (world.path / "things.py").write_text(
        "import os, time\n"
        "def slow(n):\n"
        "    open('began', 'a').write('x\\n')\n"
        "    while not os.path.exists('g'):\n"
        "        time.sleep(0.02)\n"
        "    return n + 1\n"
        "class Counter:\n"
        "    def __init__(self):\n"
        "        self.n = 0\n"
        "    def add(self, wait):\n"
        "        self.n += 1\n"
        "        open('called', 'a').write('x\\n')\n"
        "        while wait and not os.path.exists('g'):\n"
        "            time.sleep(0.02)\n"
        "        return self.n\n")
    run = detach("actors: {counter: {python: 'things:Counter'}}\n"
                 "group:\n"
                 "  - {id: slow, python: 'things:slow', with: {n: 41}}\n"
                 "  - chain:\n"
                 "      - {call: counter.add, with: {wait: false}}\n"
                 "      - {id: second, call: counter.add, with: {wait: true}}\n"
                 "      - {id: third, call: counter.add, with: {wait: false}}\n", "-j", "4")
    world.wait("both", lambda: len(lines(world, "began")) == 1 and len(lines(world, "called")) == 2)
    run.kill_coordinator()
    run.kill_coordinator()
    open_gate(world, "g")
    run.end()
    assert run.node("slow")["result"] == 42
    assert run.node("second")["result"] == 2 and run.node("third")["result"] == 3
    assert len(lines(world, "began")) == 1 and len(lines(world, "called")) == 3


def test_time_goes_on_for_attempts(world, detach):
    """A time-out counts from its beginning, whoever dies meanwhile; limits stay held."""
    run = detach("group:\n"
                 "  - {id: late, run: 'echo x >> a; sleep 1000', timeout: 10s, on_error: continue}\n"
                 f"  - {{id: holds, run: \"echo x >> b; {gate('g')}\", limits: {{one: 1}}}}\n"
                 "  - {id: waits, run: 'echo x >> c', limits: {one: 1}}\n", "-j", "8")
    world.wait_line("a")
    world.wait("one of them", lambda: lines(world, "b") or lines(world, "c"))
    world.wait_line("b")
    for _ in range(3):
        run.kill_coordinator()
    world.wait("the time-out", lambda: (run.node("late") or {}).get("cause"))
    late = run.node("late")
    assert late["cause"]["kind"] == "timeout"
    open_gate(world, "g")
    run.end()
    assert [len(lines(world, name)) for name in "abc"] == [1, 1, 1]


def test_it_is_looked_at_while_it_goes_on(world, detach):
    run = detach(f"{{id: only, run: \"echo one; echo x >> a; {gate('g')}; echo two\"}}\n")
    world.wait_line("a")
    follow = world.start("logs", "-f", run.run)
    run.kill_coordinator()
    assert "only" in world("explain", run.run, "only", code=0).out
    open_gate(world, "g")
    assert world.end(follow, code=0)[0] == "one\ntwo\n"
    run.end()


def test_its_processes_are_not_for_people(world):
    for kind in ("keeper", "coordinator"):
        done = world(kind, "1qj6k33xtz89c", code=2)
        assert "unknown command" in done.err


def test_at_power_it_is_the_same(world, detach):
    run = detach(f"chain:\n  - run: echo x >> a; {gate('g')}; echo 1\n  - run: echo y >> b; cat\n",
                 "--durability", "power")
    world.wait_line("a")
    run.kill_coordinator()
    run.kill_coordinator()
    open_gate(world, "g")
    assert run.end()["result"] == "1"
    assert lines(world, "a") == ["x"] and lines(world, "b") == ["y"]
    world("history", "verify", run.run, code=0)


def test_a_run_of_values_ends_at_once(world, detach):
    run = detach("value: ${{ 6 * 7 }}\n")
    assert world.json("attach", run.run)["result"] == 42
    run.end()

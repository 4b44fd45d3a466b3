"""Stateful actors: every call that succeeded is in the state exactly once, whatever dies, and one at a
time, whoever calls."""

import json
import os
import pathlib
import signal
import sqlite3
import sys

import pytest

PYTHON = {"ACTANT_PYTHON": sys.executable}

COUNTER = '''
import os, signal, time, pathlib

class Counter:
    def __init__(self, start=0):
        with open("made", "a") as f:
            f.write("%d\\n" % os.getpid())
        self.n = start

    def add(self, by=1):
        os.close(os.open("busy", os.O_CREAT | os.O_EXCL))  # fails if another call is under way
        n = self.n
        time.sleep(0.0005)
        self.n = n + by
        with open("log", "a") as f:
            f.write("%d\\n" % self.n)
        os.unlink("busy")
        return self.n

    def get(self):
        return self.n

    def pid(self):
        self.n += 1
        return os.getpid()

    def boom(self):
        self.n += 100
        raise ValueError("no more")

    def die_once(self, sign):
        """Changes the state, then dies; the second time it lives."""
        self.n += 1
        if not os.path.exists("died"):
            pathlib.Path("died").touch()
            os.kill(os.getpid(), sign)
            time.sleep(60)
        return self.n

    def leave(self, code):
        self.n += 1
        os._exit(code)

    def wait_for(self, name):
        self.n += 1
        pathlib.Path(name + ".begun").touch()
        while not os.path.exists(name):
            time.sleep(0.01)
        return self.n

    def unsaid(self):
        self.n += 1
        return {1, 2}

    def unkept(self):
        self.n += 1
        self.f = lambda: 1
        return "unkept"

    def grow(self, size):
        self.text = "x" * size
        return len(self.text)

    async def later(self, by):
        import asyncio
        await asyncio.sleep(0)
        self.n += by
        return self.n
'''

ONE = "actors: {counter: {python: 'counter:Counter'}}\n"


@pytest.fixture
def counter(world):
    world.env.update(PYTHON)
    world.write(COUNTER, "counter.py")
    return world


def states(world):
    """The rows of the actors' table: {(run or 0, name): state}."""
    db = sqlite3.connect(world.db)
    try:
        return {(run, name): bytes(state).decode()
                for run, name, state in db.execute("SELECT run, name, state FROM actors")}
    finally:
        db.close()


def pids(world):
    """Of the processes in which an object was made."""
    made = world.path / "made"
    return [int(line) for line in made.read_text().split()] if made.exists() else []


# ---- one at a time ------------------------------------------------------------------------------

def test_parallel_calls_lose_nothing(counter):
    doc = counter.run(ONE + """
for: ${{ range(300) }}
do: {call: counter.add, args: [1]}
""", "-j", 8)
    assert doc["result"] == list(range(1, 301))  # in the order in which they became ready
    assert list(states(counter).values()) == ['{"json":{"n":300}}']
    assert len(pids(counter)) == 1


def test_priority_comes_first(counter):
    doc = counter.run(ONE + """
group:
  - {call: counter.wait_for, args: [go], priority: 9}
  - {call: counter.add, args: [1]}
  - {call: counter.add, args: [1], priority: 5}
  - run: |
      while [ ! -e go.begun ]; do sleep 0.01; done
      touch go
""", "-j", 4)
    assert doc["result"][:3] == [1, 3, 2]


def test_who_waits_for_an_actor_takes_no_slot(counter):
    """With two slots, one call that is under way and five that wait, there is one for the task that ends
    the wait."""
    doc = counter.run(ONE + """
group:
  - {call: counter.wait_for, args: [go]}
  - {for: '${{ range(5) }}', do: {call: counter.add, args: [1]}}
  - run: |
      while [ ! -e go.begun ]; do sleep 0.01; done
      touch go
""", "-j", 2)
    assert doc["result"][:2] == [1, [2, 3, 4, 5, 6]]


def test_the_timeout_of_a_waiting_call_has_not_begun(counter):
    """It begins when the call is dispatched, which is after the end of the one before."""
    doc = counter.run(ONE + """
group:
  - {call: counter.wait_for, args: [go]}
  - {call: counter.add, args: [1], timeout: 200s}
  - run: |
      while [ ! -e go.begun ]; do sleep 0.01; done
      touch go
""", "-j", 3)
    assert doc["result"][:2] == [1, 2]
    events = [json.loads(line) for line in counter("history", "events", "last", "--json", code=0).out.splitlines()]
    at = {(e["type"], e["node"]): e["seq"] for e in events}
    assert at["attempt_ended", "group[0]"] < at["dispatched", "group[1]"]
    assert at["dispatched", "group[2]"] < at["attempt_ended", "group[0]"]


def test_a_flood_is_answered_and_kept_small(counter):
    """10,000 calls at once: answered in order, and the memory they take is the run's, not a mailbox's."""
    counter.write(ONE + """
chain:
  - for: ${{ range(10000) }}
    do: {call: counter.later, args: [1]}
  - id: counts
    value: {count: '${{ length(prev) }}', last: '${{ prev[9999] }}'}
  - run: sed -n 's/^VmHWM:[^0-9]*\\([0-9]*\\) kB/\\1/p' /proc/$PPID/status
    output: json
""")
    document = counter.json("run", "flow.yaml", "-j", "4")
    assert counter.node("counts")["result"] == {"count": 10000, "last": 10000}
    if "asan" not in os.environ.get("ACTANT", "") and "tsan" not in os.environ.get("ACTANT", ""):
        assert document["result"] < 128 * 1024  # KiB of the engine at its most


def test_one_that_is_flooded_does_not_starve_another(counter):
    """The flood ends only after the few have."""
    counter.run("""
actors:
  flooded: {python: 'counter:Counter'}
  other: {python: 'counter:Counter', with: {start: 5}}
group:
  - id: flood
    for: ${{ range(400) }}
    do: {call: flooded.wait_for, args: [go]}
  - chain:
      - id: few
        for: ${{ range(3) }}
        do: {call: other.later, args: [1]}
      - touch go
""", "-j", 4)
    assert counter.node("few")["result"] == [6, 7, 8]
    assert len(counter.node("flood")["result"]) == 400


# ---- what dies ----------------------------------------------------------------------------------

def test_its_process_dies_between_calls(counter):
    doc = counter.run(ONE + """
chain:
  - {id: first, call: counter.pid}
  - 'kill -9 ${{ prev }}; while kill -0 ${{ prev }} 2>/dev/null; do sleep 0.01; done'
  - {id: second, call: counter.pid}
  - {call: counter.get}
outputs: {pids: ['${{ nodes.first.result }}', '${{ nodes.second.result }}']}
""")
    assert doc["result"] == 2
    assert len(set(doc["outputs"]["pids"])) == 2


@pytest.mark.parametrize("sign", ["SIGKILL", "SIGSEGV", "SIGABRT"])
def test_its_process_dies_while_asked(counter, sign):
    number = int(getattr(signal, sign))
    doc = counter.run(ONE + f"""
chain:
  - {{call: counter.add, args: [5]}}
  - {{id: dies, call: counter.die_once, args: [{number}], on_error: continue}}
  - {{call: counter.get}}
""")
    assert doc["result"] == 5  # what the dead call did is not in the state
    error = counter.node("dies")["error"]
    assert counter.node("dies")["cause"]["kind"] == "signal" and sign in error["message"]


def test_a_call_that_died_is_made_again_by_policy(counter):
    doc = counter.run(ONE + """
chain:
  - {call: counter.add, args: [5]}
  - {id: dies, call: counter.die_once, args: [9], retry: 1}
  - {call: counter.get}
""")
    assert doc["result"] == 6
    assert counter.node("dies")["attempt"] == 2


def test_it_exits_while_asked(counter):
    doc = counter.run(ONE + """
chain:
  - {id: leaves, call: counter.leave, args: [3], on_error: continue}
  - {call: counter.add, args: [1]}
""")
    assert doc["result"] == 1
    assert counter.node("leaves")["exit_code"] == 3


@pytest.mark.parametrize("more", ["", ", checkpoint: 7"])
def test_actant_dies_in_the_middle(counter, more):
    """Killed four times at different places; what is counted at the end is what succeeded."""
    count = 150
    counter.write(f"actors: {{counter: {{python: 'counter:Counter'{more}}}}}\n" + f"""
for: ${{{{ range({count}) }}}}
do: {{call: counter.add, args: [1]}}
""")
    log = counter.path / "log"
    run = None
    for at in (1, 20, 57, 90):
        process = counter.start(*(("resume", run) if run else ("run", "flow.yaml")), "-j", "3")
        counter.wait(f"{at} calls", lambda: log.exists() and len(log.read_text().split()) >= at)
        process.kill()
        process.wait()
        run = run or counter.last_run()
        counter.wait("the end of its processes", lambda: not counter.inhabitants())
        (counter.path / "busy").unlink(missing_ok=True)
    doc = counter.json("resume", run)
    made = len(log.read_text().split())
    assert made >= count
    if not more:
        assert sorted(doc["result"]) == list(range(1, count + 1))
        assert list(states(counter).values()) == ['{"json":{"n":%d}}' % count]
    else:  # up to 6 calls a death are forgotten, no more, and none is counted twice
        final = max(doc["result"])
        assert count - 6 * 4 <= final <= count


def test_a_run_that_was_suspended_goes_on_with_the_state(counter):
    counter.write(ONE + """
chain:
  - {call: counter.add, args: [7]}
  - {call: counter.wait_for, args: [never]}
""")
    process = counter.start("run", "flow.yaml")
    counter.wait_file("never.begun")
    process.send_signal(signal.SIGINT)
    counter.end(process, 130)
    (counter.path / "never").touch()
    assert counter.json("resume", "last")["result"] == 8


def test_retry_of_a_run_goes_on_with_the_state(counter):
    counter.run(ONE + """
chain:
  - {call: counter.add, args: [2]}
  - 'test -e fixed'
  - {call: counter.add, args: [3]}
""", code=1)
    (counter.path / "fixed").touch()
    assert counter.json("retry", "last")["result"] == 5


# ---- what fails ---------------------------------------------------------------------------------

def test_an_exception_leaves_the_state_as_it_was(counter):
    doc = counter.run(ONE + """
chain:
  - {call: counter.add, args: [1]}
  - {id: boom, call: counter.boom, on_error: continue}
  - {call: counter.add, args: [1]}
""")
    assert doc["result"] == 2
    node = counter.node("boom")
    assert node["cause"]["kind"] == "exception"
    assert node["error"]["type"] == "ValueError" and node["error"]["message"] == "no more"
    assert 'raise ValueError("no more")' in node["error"]["traceback"]
    assert "worker.py" not in node["error"]["traceback"]


def test_the_constructor_fails_and_says_so(counter):
    counter.write("""
import os
class Late:
    def __init__(self, name):
        if not os.path.exists(name):
            raise LookupError("there is no " + name)
    def ask(self):
        return "fine"
""", "late.py")
    doc = counter.run("""
actors: {late: {python: 'late:Late', with: {name: it}}}
chain:
  - {id: early, call: late.ask, on_error: continue}
  - 'touch it'
  - {call: late.ask}
""")
    assert doc["result"] == "fine"
    node = counter.node("early")
    assert node["cause"]["kind"] == "exception" and node["error"]["type"] == "LookupError"
    assert node["error"]["message"] == \
        "the constructor of actor 'late' (late:Late) failed: there is no it"
    assert "raise LookupError" in node["error"]["traceback"]


@pytest.mark.parametrize("flow, words", [
    ("actors: {c: {python: 'counter:Counter'}}\ncall: c.ad",
     "actor 'c' (counter:Counter) has no method 'ad'; did you mean 'add'?"),
    ("actors: {c: {python: 'counter:Count'}}\ncall: c.add", "did you mean 'Counter'?"),
    ("actors: {c: {python: 'countr:Counter'}}\ncall: c.add", "did you mean 'counter'?"),
    ("actors: {c: {python: 'counter:Counter', with: {strt: 1}}}\ncall: c.add",
     "the constructor of actor 'c' (counter:Counter) failed:"),
    ("actors: {c: {python: 'counter:Counter'}}\ncall: c.add\nwith: {bye: 1}", "bye"),
])
def test_what_is_not_there(counter, flow, words):
    doc = counter.run(flow, code=1)
    assert doc["error"]["cause"] == "exception"
    assert words in doc["error"]["message"]


def test_what_json_cannot_say_or_nothing_can_keep(counter):
    doc = counter.run(ONE + """
chain:
  - {id: unsaid, call: counter.unsaid, on_error: continue}
  - {id: unkept, call: counter.unkept, on_error: continue}
  - {call: counter.get}
""")
    assert doc["result"] == 0
    assert counter.node("unsaid")["cause"]["kind"] == "output"
    assert "the save of actor 'counter' (counter:Counter) failed" in \
        counter.node("unkept")["error"]["message"]


def test_a_state_that_is_too_large(counter):
    doc = counter.run(ONE + """
chain:
  - {call: counter.grow, args: [8000000]}
  - {id: large, call: counter.grow, args: [17000000], on_error: continue}
  - {call: counter.add, args: [1]}
""")
    assert doc["result"] == 1
    assert "the state of actor 'counter' is longer than 16777216 bytes" in \
        counter.node("large")["error"]["message"]


def test_out_of_time_the_state_is_as_it_was(counter):
    doc = counter.run(ONE + """
chain:
  - {call: counter.add, args: [1]}
  - {id: slow, call: counter.wait_for, args: [never], timeout: 500ms, grace: 100ms, on_error: continue}
  - {call: counter.add, args: [1]}
""")
    assert doc["result"] == 2
    assert counter.node("slow")["cause"]["kind"] == "timeout"


def test_cancelled_the_state_is_as_it_was(counter):
    doc = counter.run(ONE + """
chain:
  - race:
      - {call: counter.wait_for, args: [never]}
      - 'while [ ! -e never.begun ]; do sleep 0.01; done'
  - {call: counter.add, args: [1]}
""", "-j", 2)
    assert doc["result"] == 1


# ---- states -------------------------------------------------------------------------------------

STATES = '''
import os

class Plain:
    def __init__(self):
        self.shared = [1]
        self.again = self.shared
        self.pair = (1, 2)
        self.names = {"a", "b"}
        self.by_number = {1: "one"}
    def touch(self):
        self.shared.append(len(self.shared) + 1)
        return [os.getpid(), self.again, self.pair == (1, 2), sorted(self.names), self.by_number[1]]

class Own:
    def __init__(self, path):
        self.file = open(path, "a")  # cannot be saved
        self.n = 0
    def __getstate__(self):
        return {"n": self.n}
    def __setstate__(self, state):
        self.n = state["n"] * 10
    def touch(self):
        self.n += 1
        self.file.write("x")
        self.file.flush()
        return [os.getpid(), self.n]

class Slotted:
    __slots__ = ("n",)
    def __init__(self):
        self.n = 0
    def touch(self):
        self.n += 1
        return [os.getpid(), self.n]
'''


def touched_twice(world, actor):
    """What two calls give, with the death of the process in between."""
    world.env.update(PYTHON)
    world.write(STATES, "states.py")
    doc = world.run(f"""
actors: {{a: {actor}}}
chain:
  - {{id: one, call: a.touch}}
  - 'kill -9 ${{{{ prev[0] }}}}; while kill -0 ${{{{ prev[0] }}}} 2>/dev/null; do sleep 0.01; done'
  - {{id: two, call: a.touch}}
outputs: {{one: '${{{{ nodes.one.result }}}}', two: '${{{{ nodes.two.result }}}}'}}
""")
    one, two = doc["outputs"]["one"], doc["outputs"]["two"]
    assert one[0] != two[0]
    return one[1:], two[1:]


def test_what_json_does_not_keep_exactly_is_pickled(world):
    one, two = touched_twice(world, "{python: 'states:Plain'}")
    assert one == [[1, 2], True, ["a", "b"], "one"]
    assert two == [[1, 2, 3], True, ["a", "b"], "one"]  # shared is again the same list as again
    assert list(states(world).values())[0].startswith('{"pickle":"')


def test_a_state_of_its_own_making(world):
    assert touched_twice(world, "{python: 'states:Own', with: {path: out}}") == ([1], [11])
    assert (world.path / "out").read_text() == "xx"
    assert list(states(world).values()) == ['{"json":{"n":11}}']


def test_slots(world):
    assert touched_twice(world, "{python: 'states:Slotted'}") == ([1], [2])


def test_async_methods(counter):
    doc = counter.run(ONE + "for: [1, 2, 3]\ndo: {call: counter.later, args: ['${{ item }}']}\n")
    assert doc["result"] == [1, 3, 6]


def test_secrets_go_to_the_constructor_and_nowhere_else(world):
    world.env.update(PYTHON)
    world.write('''
class Client:
    def __init__(self, token):
        self.token = token
        self.n = 0
    def __getstate__(self):
        return {"n": self.n}
    def __setstate__(self, state):
        self.n = state["n"]
    def ask(self):
        self.n += 1
        return [self.n, len(self.token)]

class Leaky(Client):
    def __getstate__(self):
        return self.__dict__
''', "client.py")
    secret = "hunter2hunter2"
    flow = """
secrets: [TOKEN]
actors:
  good: {python: 'client:Client', with: {token: '${{ secrets.TOKEN }}'}, scope: global}
  bad: {python: 'client:Leaky', with: {token: '${{ secrets.TOKEN }}'}}
chain:
  - {id: leak, call: bad.ask, on_error: continue}
  - {call: good.ask}
"""
    env = {"ACTANT_SECRET_TOKEN": secret}
    assert world.run(flow, env=env)["result"] == [1, 14]
    assert "holds a secret" in world.node("leak")["error"]["message"]
    # The next run names the secret's place by another text: still the same actor.
    assert world.run(flow, env=env)["result"] == [2, 14]
    for file in pathlib.Path(world.db).parent.rglob("*"):
        assert not file.is_file() or secret.encode() not in file.read_bytes()


# ---- sleep, scope, retention --------------------------------------------------------------------

def test_it_sleeps_and_wakes(counter):
    doc = counter.run("""
actors: {counter: {python: 'counter:Counter', idle: 200ms}}
chain:
  - {id: first, call: counter.pid}
  - 'while kill -0 ${{ prev }} 2>/dev/null; do sleep 0.02; done'
  - {id: second, call: counter.pid}
  - {call: counter.get}
outputs: {pids: ['${{ nodes.first.result }}', '${{ nodes.second.result }}']}
""")
    assert doc["result"] == 2
    assert len(set(doc["outputs"]["pids"])) == 2
    assert len(pids(counter)) == len(set(pids(counter)))  # the constructor, once a life: of two, or of three if it
    # slept once more before the last call


def test_more_actors_than_may_be_awake(counter):
    names = [f"a{i}" for i in range(40)]
    actors = "".join(f"  {n}: {{python: 'counter:Counter', with: {{start: {i}}}}}\n"
                     for i, n in enumerate(names))
    calls = "".join(f"  - {{call: {n}.later, args: [1]}}\n" for n in names)
    doc = counter.run(f"actors:\n{actors}chain:\n- group:\n{calls.replace('  -', '    -')}"
                      f"- group:\n{calls.replace('  -', '    -')}", "-j", 4)
    assert doc["result"] == [i + 2 for i in range(40)]


def test_each_run_has_its_own(counter):
    for _ in range(2):
        assert counter.run(ONE + "call: counter.add\nargs: [3]\n")["result"] == 3


def test_another_definition_is_another_actor(counter):
    flow = "actors: {c: {python: 'counter:Counter', scope: global, with: {start: %d}}}\n" \
           "call: c.add\nargs: [1]\n"
    assert counter.run(flow % 0)["result"] == 1
    assert counter.run(flow % 50)["result"] == 51
    assert counter.run(flow % 0)["result"] == 2


GLOBAL = """
actors: {counter: {python: 'counter:Counter', scope: global}}
for: ${{ range(%d) }}
do: {call: counter.add, args: [1]}
"""


def test_runs_at_once_share_a_global_actor(counter):
    counter.write(GLOBAL % 80)
    processes = [counter.start("run", "flow.yaml", "-j", "2", "--json", "-q") for _ in range(3)]
    results = []
    for process in processes:
        out, _ = counter.end(process, 0)
        results += json.loads(out)["result"]
    assert sorted(results) == list(range(1, 241))
    assert states(counter) == {(0, "counter"): '{"json":{"n":240}}'}
    assert counter.run(GLOBAL % 1)["result"] == [241]


def test_a_dead_run_does_not_keep_a_global_actor(counter):
    counter.write("""
actors: {counter: {python: 'counter:Counter', scope: global}}
chain:
  - {call: counter.add, args: [1]}
  - {call: counter.wait_for, args: [never]}
""")
    process = counter.start("run", "flow.yaml")
    counter.wait_file("never.begun")
    run = counter.last_run()
    process.kill()
    process.wait()
    assert counter.run(GLOBAL % 2)["result"] == [2, 3]
    (counter.path / "never").touch()
    assert counter.json("resume", run)["result"] == 4


def test_global_actors_are_listed_and_reset(counter):
    assert counter.json("actor", "list") == {"actors": []}
    counter.run(GLOBAL % 3)
    [row] = counter.json("actor")["actors"]
    assert row["actor"] == "counter" and row["version"] == 3 and row["bytes"] > 5
    assert "counter" in counter("actor", "list", code=0).out
    counter.write("""
actors: {counter: {python: 'counter:Counter', scope: global}}
call: counter.wait_for
args: [go]
""", "other.yaml")
    process = counter.start("run", "other.yaml")
    counter.wait_file("go.begun")
    assert "a run is calling the actor counter" in counter("actor", "reset", "counter", code=3).err
    (counter.path / "go").touch()
    counter.end(process, 0)
    assert counter.json("actor", "reset", "counter")["removed"] == 1
    assert counter.run(GLOBAL % 1)["result"] == [1]
    assert "there is no global actor" in counter("actor", "reset", "other", code=2).err
    assert "list" in counter("actor", "rest", "counter", code=2).err


def test_a_file_has_actors_of_its_own(counter):
    counter.write(ONE + "call: counter.add\nargs: [1]\n", "sub/inner.yaml")
    counter.write(COUNTER, "sub/counter.py")
    doc = counter.run(ONE + """
chain:
  - {call: counter.add, args: [100]}
  - {workflow: sub/inner.yaml}
  - {workflow: sub/inner.yaml}
""")
    assert doc["result"] == 2
    assert sorted(name for _, name in states(counter)) == ["counter", "sub/inner.yaml:counter"]


def test_the_state_goes_with_the_run(counter):
    counter.run(ONE + "call: counter.add\n")
    counter.run(GLOBAL % 1)
    assert len(states(counter)) == 2
    counter("history", "gc", "--keep", 0, code=0)
    assert states(counter) == {(0, "counter"): '{"json":{"n":1}}'}


def test_without_history(counter):
    doc = counter.run(ONE + """
chain:
  - for: [1, 2, 3]
    do: {call: counter.add, args: [1]}
  - {call: counter.boom, on_error: continue}
  - {call: counter.get}
""", "--no-history")
    assert doc["result"] == 3


def test_checkpoint_saves_when_nobody_waits(counter):
    counter.run("""
actors: {counter: {python: 'counter:Counter', checkpoint: 1000}}
chain:
  - for: ${{ range(20) }}
    do: {call: counter.add, args: [1]}
  - {call: counter.add, args: [1]}
""")
    assert list(states(counter).values()) == ['{"json":{"n":21}}']


# ---- forks --------------------------------------------------------------------------------------

def test_a_fork_has_the_state_that_its_reused_calls_led_to(counter):
    first = counter.run(ONE + """
chain:
  - {call: counter.add, args: [2]}
  - {call: counter.add, args: [3]}
  - {id: last, run: 'cat; echo x >> ran'}
""")
    fork = counter.json("fork", first["run"], "--from", "last")
    assert fork["result"] == first["result"] == "5"
    assert (counter.path / "log").read_text().split() == ["2", "5"]  # no call was made again
    again = counter.json("fork", first["run"], "--from", "chain[0]")  # none is reused: it begins anew
    assert again["result"] == "5"
    assert (counter.path / "log").read_text().split() == ["2", "5", "2", "5"]
    sql = sqlite3.connect(counter.db)
    assert sql.execute("SELECT count(*) FROM actors").fetchone() == (3,)


def test_a_fork_between_two_calls_of_an_actor_is_refused(counter):
    first = counter.run(ONE + """
chain:
  - {call: counter.add, args: [2]}
  - {id: second, call: counter.add, args: [3]}
""")
    refused = counter("fork", first["run"], "--from", "second")
    assert refused.returncode != 0 and "counter" in refused.err and "first call" in refused.err
    assert len(counter.json("history", "list")["runs"]) == 1

"""What plugins, Python functions and stateful actors can do wrong, each beside tasks of every kind that do
nothing wrong: those are unharmed, while it happens and afterwards. One row a way of doing it; what the task
itself says of it in detail is in test_plugin_run.py, test_python.py and test_call.py."""

import json
import os
import shutil
import types

import pytest

from test_plugin import CC, build, signals_as_they_are  # noqa: F401

pytestmark = pytest.mark.skipif(not CC, reason="no C compiler")
SANITIZED = bool(os.environ.get("ACT_SANITIZE"))

GOOD = '''
import asyncio, time

def slow(n):
    time.sleep(0.3)
    return n

async def later(n):
    await asyncio.sleep(0.3)
    return n

class Counter:
    def __init__(self):
        self.n = 0

    def add(self, by):
        self.n += by
        return self.n
'''

BAD = '''
import ctypes, os, signal, sys, time

def raises():
    raise ValueError("no")

def recurses():
    return recurses()

def killed():
    os.kill(os.getpid(), signal.SIGKILL)

def crashes():
    ctypes.string_at(0)

def exits():
    os._exit(0)

def hangs():
    while True:
        pass

def forks():
    if os.fork() == 0:
        return "from the child"
    time.sleep(0.2)
    return "from the parent"

def forks_and_raises():
    if os.fork() == 0:
        raise RuntimeError("in the child")
    os.wait()
    return "from the parent"

def forks_for_ever():
    if os.fork() == 0:
        while True:
            time.sleep(60)
    return "gone on"

def prints():
    for part in ("no ", "line ", "end"):
        print(part, end="")
        time.sleep(0.05)
    sys.stderr.write("none here")
    return "printed"

def nan():
    return float("nan")

def an_object():
    return {"a": [object()]}

def itself():
    value = []
    value.append(value)
    return value

def gigabyte():
    return "x" * ((1 << 30) + 1)

def garbage():
    os.write(3, b"Hello, world! This is no frame.")
    time.sleep(60)

class Unborn:
    def __init__(self):
        raise LookupError("no such thing")

    def ask(self):
        return 1

class Mortal:
    def __init__(self):
        self.n = 0

    def dies(self):
        self.n += 100
        os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(60)

    def exits(self):
        os._exit(0)

    def hangs(self):
        while True:
            pass

    def boom(self):
        raise ValueError("no")
'''

FLOW = """
actors:
  good: {{python: 'good:Counter'}}
  tally: {{plugin: 'tally:tally'}}
  unborn: {{python: 'worse:Unborn'}}
  mortal: {{python: 'worse:Mortal'}}
  bad_start: {{plugin: 'tally:tally', with: {{start: -1}}}}
  bad_tally: {{plugin: 'tally:tally'}}
chain:
  - group:
      - {bad}
      - {{id: shell, run: 'sleep 0.3; echo well'}}
      - {{id: host, plugin: 'bad:naps', with: {{ms: 300}}}}
      - {{id: thread, plugin: 'bad:naps', with: {{ms: 301}}, isolation: thread}}
      - {{id: python, python: 'good:slow', args: [1]}}
      - {{id: coroutine, python: 'good:later', args: [2]}}
      - {{id: object, call: good.add, args: [3]}}
      - {{id: c_object, call: tally.add, with: {{by: 4}}}}
  - id: afterwards
    group:
      - {{run: echo well}}
      - {{plugin: 'bad:echo', with: {{a: 1}}}}
      - {{plugin: 'bad:echo', with: {{a: 1}}, isolation: thread}}
      - {{python: 'good:slow', args: [1]}}
      - {{call: good.add, args: [3]}}
      - {{call: tally.add, with: {{by: 4}}}}
"""
BESIDE = {"shell": "well", "host": {"ms": 300}, "thread": {"ms": 301}, "python": 1, "coroutine": 2,
          "object": 3, "c_object": 4}
AFTERWARDS = ["well", {"a": 1}, {"a": 1}, 1, 6, 8]


def plugin(task, home="process", **more):
    return {"plugin": f"bad:{task}", "isolation": home, **more}


def python(function, **more):
    return {"python": f"worse:{function}", "args": [], **more}


def call(method, **more):
    return {"call": method, "with": {}, **more}


HANG = {"timeout": "1s", "grace": "100ms"}
CRASHES = ["signal", "exit"] if SANITIZED else ["signal"]  # a sanitizer's handler makes an exit of it

# task, causes (one of them; None: it goes well), what its error says or its result is
ROWS = {
    "plugin-segv": (plugin("segv"), CRASHES, "bad:segv"),
    "plugin-stack": (plugin("overflows"), CRASHES, "bad:overflows"),
    "plugin-abort": (plugin("aborts"), CRASHES, "bad:aborts"),
    "plugin-heap": (plugin("corrupts"), CRASHES, "bad:corrupts"),
    "plugin-killed": (plugin("killed"), ["signal"], "SIGKILL"),
    "plugin-exit": (plugin("exits"), ["exit"], "ended its host process (exit code 0)"),
    "plugin-never-returns": (plugin("hangs", **HANG), ["timeout"], ""),
    "plugin-thread-never-returns": (plugin("hangs", "thread", **HANG), ["timeout"], ""),
    "plugin-no-json": (plugin("no_json"), ["output"], "its result is no JSON"),
    "plugin-thread-no-json": (plugin("no_json", "thread"), ["output"], "its result is no JSON"),
    "plugin-no-utf8": (plugin("no_utf8"), ["output"], "its result is no JSON"),
    "plugin-wrong-type": (plugin("wrong_type"), ["output"], "does not fit its schema"),
    "plugin-gigabyte-too-long": (plugin("large", **{"with": {"bytes": (1 << 30) + 1}}), ["output"],
                                 "longer than output_max"),
    "plugin-gigabyte-no-json": (plugin("large", **{"with": {"bytes": 1000000000, "broken": True}}),
                                ["output"], "its result is no JSON"),
    "python-raises": (python("raises"), ["exception"], "no"),
    "python-recurses": (python("recurses"), ["exception"], "recursion"),
    "python-killed": (python("killed"), ["signal"], "SIGKILL"),
    "python-crashes": (python("crashes"), ["signal"], "SIGSEGV"),
    "python-exits": (python("exits"), ["exit"], ""),
    "python-never-returns": (python("hangs", **HANG), ["timeout"], ""),
    "python-forks": (python("forks"), None, "from the parent"),
    "python-forks-raises": (python("forks_and_raises"), None, "from the parent"),
    "python-forks-for-ever": (python("forks_for_ever"), None, "gone on"),
    "python-prints-no-newline": (python("prints"), None, "printed"),
    "python-nan": (python("nan"), ["output"], "the result is nan"),
    "python-object": (python("an_object"), ["output"], "the result.a[0] is of type object"),
    "python-itself": (python("itself"), ["output"], "holds itself"),
    "python-gigabyte": (python("gigabyte"), ["output"], "longer than"),
    "python-garbage": (python("garbage"), ["exit", "signal", "lost", "output"], "broke the protocol"),
    "actor-constructor": (call("unborn.ask"), ["exception"], "the constructor of actor 'unborn'"),
    "actor-dies-while-asked": (call("mortal.dies"), ["signal"], "SIGKILL"),
    "actor-exits": (call("mortal.exits"), ["exit"], ""),
    "actor-never-answers": (call("mortal.hangs", **HANG), ["timeout"], ""),
    "actor-raises": (call("mortal.boom"), ["exception"], "no"),
    "c-actor-constructor": (call("bad_start.get"), ["exception"], "the constructor of actor 'bad_start'"),
    "c-actor-dies-while-asked": (call("bad_tally.crash"), CRASHES, ""),
    "c-actor-fails": (call("bad_tally.refuse"), ["exception"], "no more"),
}


@pytest.fixture(scope="module")
def libraries(tmp_path_factory):
    there = types.SimpleNamespace(path=tmp_path_factory.mktemp("libraries"))
    return [build(there, name, "plugins", None, "-std=gnu11", "-O1", "-Wno-return-type",
                  "-Wno-infinite-recursion", "-pthread") for name in ("bad", "tally")]


@pytest.fixture
def all_kinds(world, libraries):
    (world.path / "plugins").mkdir()
    for library in libraries:
        shutil.copy(library, world.path / "plugins")
    world.write(GOOD, "good.py")
    world.write(BAD, "worse.py")
    return world


def check_others(world, document):
    assert document["result"] == AFTERWARDS
    nodes = {n["id"]: n for n in world.show()["nodes"]}
    for name, wanted in BESIDE.items():
        node = nodes[name]
        assert (node["status"], node["attempt"], node["result"]) == ("succeeded", 1, wanted), node
    return nodes["bad"]


@pytest.mark.parametrize("row", ROWS)
def test_all_other_tasks_are_unharmed(all_kinds, row):
    task, causes, words = ROWS[row]
    if row == "plugin-heap" and SANITIZED:
        pytest.skip("a sanitizer's heap is not corrupted in this way")
    if "gigabyte" in row and SANITIZED:
        pytest.skip("a sanitizer's memory is several times as large")
    bad = json.dumps({"id": "bad", "on_error": "continue", **task})
    document = all_kinds.run(FLOW.format(bad=bad), "-j", 10)
    node = check_others(all_kinds, document)
    if causes is None:
        assert (node["status"], node["result"]) == ("succeeded", words), node
    else:
        assert node["status"] == "failed" and node["cause"]["kind"] in causes, node
        assert words in node["error"]["message"], node["error"]


def test_a_flood_of_one_actor(all_kinds):
    """A thousand calls of one actor at once, each of them from a task of its own."""
    bad = json.dumps({"id": "bad", "for": "${{ range(1000) }}",
                      "do": {"call": "bad_tally.add", "with": {"by": 1}}})
    document = all_kinds.run(FLOW.format(bad=bad), "-j", 10)
    assert check_others(all_kinds, document)["result"] == list(range(1, 1001))


def test_everything_at_once(all_kinds):
    """All that is wrong in one run, and then a thousand calls of each kind. (A library that crashes again and
    again is put into quarantine: one crash of each is enough here.)"""
    crashes = ("plugin-stack", "plugin-abort", "plugin-heap", "plugin-killed", "plugin-exit")
    tasks = [{"on_error": "continue", **task} for row, (task, _, _) in ROWS.items()
             if "gigabyte" not in row and row not in crashes]
    count = 100 if SANITIZED else 1000
    flow = FLOW.format(bad=json.dumps({"id": "bad", "group": tasks})) + "".join(f"""
  - id: many_{name}
    for: ${{{{ range({count}) }}}}
    do: {json.dumps(task)}
""" for name, task in (("host", plugin("echo")), ("thread", plugin("echo", "thread")),
                       ("python", {"python": "many:same"}), ("object", {"call": "good.add", "args": [1]})))
    all_kinds.write("def same(n):\n    return n\n", "many.py")
    all_kinds.run(flow, "-j", 10)
    nodes = {n["id"]: n for n in all_kinds.show()["nodes"]}
    for name, wanted in BESIDE.items():
        assert (nodes[name]["status"], nodes[name]["result"]) == ("succeeded", wanted), nodes[name]
    assert nodes["afterwards"]["result"] == AFTERWARDS
    assert nodes["many_host"]["result"] == nodes["many_thread"]["result"] == [[i] for i in range(count)]
    assert nodes["many_python"]["result"] == list(range(count))
    assert nodes["many_object"]["result"] == list(range(7, count + 7))

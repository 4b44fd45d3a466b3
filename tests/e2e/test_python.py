"""Python tasks: what a function is given and gives back, and everything that can go wrong in one,
each with the engine and all other tasks unharmed."""

import json
import os
import signal
import sys
import textwrap
import time

import pytest
from conftest import TIMEOUTS, is_gone

ONE_WORKER = {"ACTANT_PYTHON_WORKERS": "1"}


@pytest.fixture
def py(world):
    """Writes the module `tasks` beside the workflow; runs one function, or a workflow."""

    class Py:
        def __init__(self):
            self.world = world

        def module(self, text, name="tasks.py"):
            return world.write(textwrap.dedent(text), name)

        def node(self, flow, *args, code=0, env=None, **more):
            """The nodes of history of the run that it makes, by path, and the document."""
            document = world.run(textwrap.dedent(flow), *args, code=code, env=env, **more)
            shown = world.json("history", "show", document["run"])
            return {n["path"]: n for n in shown["nodes"]}, document

        def fails(self, text, function="f", env=None):
            """The node of one that fails, while a neighbour and a successor end well."""
            self.module(textwrap.dedent(text) + "\n\ndef ok():\n    return 'ok'\n")
            flow = f"{{python: 'tasks:{function}', on_error: continue}}"
            nodes, document = self.node(f"""
                chain:
                  - group:
                      - {flow}
                      - python: tasks:ok
                      - run: echo unharmed
                  - python: tasks:ok
                    with: {{}}
                """, env=env)
            assert document["status"] == "succeeded" and document["result"] == "ok"
            assert nodes["chain[0].group[1]"]["result"] == "ok"
            assert nodes["chain[0].group[2]"]["result"] == "unharmed"
            node = nodes["chain[0].group[0]"]
            assert node["status"] == "failed", node
            return node, document

        def log(self, document, node, *more):
            return world("logs", document["run"], node, *more, code=0).out

    return Py()


# ---- what a function is given, and what it gives ------------------------------------------------


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_one_that_takes_nothing_is_told_what_to_write(py, kind):
    py.module(f"""
        {kind} nothing():
            return 1

        {kind} inside(x):
            return nothing(x)
        """)
    nodes, _ = py.node("""
        chain:
          - value: 5
          - {python: 'tasks:nothing', on_error: continue, id: a}
          - {python: 'tasks:nothing', args: []}
          - {python: 'tasks:inside', on_error: continue, id: b}
          - {python: 'tasks:nothing', args: [1], on_error: continue, id: c}
        """)
    by_id = {n["id"]: n for n in nodes.values()}
    said = by_id["a"]["error"]["message"]
    assert "takes 0 positional arguments but 1 was given" in said and "write `args: []`" in said
    assert nodes["chain[2]"]["result"] == 1
    for other in "bc":  # its own mistake, and an argument that was written
        assert "args: []" not in by_id[other]["error"]["message"]


def test_arguments_and_results(py):
    py.module("""
        import dataclasses, os

        def nothing():
            return "called with nothing"

        def first(value):
            return value

        def both(a, *, b):
            return [b, a]

        @dataclasses.dataclass
        class Point:
            x: int
            y: list

        def point():
            return {"p": Point(1, [Point(2, [])]), "t": (1, 2), 3: None}

        class Box:
            @staticmethod
            def method(v):
                return v + 1
        """)
    nodes, document = py.node("""
        chain:
          - python: tasks:nothing
          - python: tasks:first
          - {python: 'tasks:both', with: {a: 9223372036854775807, b: -9223372036854775808}}
          - {python: 'tasks:first', args: ['${{ prev }}']}
          - {id: big, python: 'tasks:first', args: [{deep: [1.5, 'ü€😀', null, true, 12345678901234567890123]}]}
          - {python: 'tasks:Box.method', args: [41]}
          - value: null
          - python: tasks:first
          - python: tasks:point
            args: []
        """)
    assert nodes["chain[0]"]["result"] == "called with nothing"
    assert nodes["chain[1]"]["result"] == "called with nothing"
    assert nodes["chain[3]"]["result"] == [-9223372036854775808, 9223372036854775807]
    assert nodes["chain[4]"]["result"] == {"deep": [1.5, "ü€😀", None, True, 12345678901234567890123]}
    assert nodes["chain[5]"]["result"] == 42
    assert nodes["chain[7]"]["result"] is None
    assert document["result"] == {"p": {"x": 1, "y": [{"x": 2, "y": []}]}, "t": [1, 2], "3": None}


def test_nothing_has_entered_at_the_top(py):
    py.module("def count(*args):\n    return len(args)\n")
    _, document = py.node("""
        dag:
          top: {python: 'tasks:count'}
          group: {group: [{python: 'tasks:count'}, {if: true, then: {python: 'tasks:count'}}]}
          chain: {chain: [{value: null}, {python: 'tasks:count'}]}
          loop: {for: [null, 1], do: {python: 'tasks:count'}}
          body: {try: {python: 'tasks:count'}, finally: {value: 1}}
          call: {task: t}
        tasks:
          t: {python: 'tasks:count'}
        """)
    assert document["result"] == {"top": 0, "group": [0, 0], "chain": 1, "loop": [1, 1], "body": 0, "call": 0}


def test_environment_folder_and_identity(py):
    py.module("""
        import os, subprocess, sys
        import actant

        def look():
            child = subprocess.run(["sh", "-c", "echo $COLOR"], stdout=subprocess.PIPE, check=True)
            return [os.environ.get("COLOR"), os.environ.get("HOME"), child.stdout.decode().strip()]

        def where():
            here = os.getcwd()
            os.chdir("/")
            return [here, sys.path[0]]

        def who():
            names = ["ATTEMPT_ID", "ATTEMPT", "IDEMPOTENCY_KEY", "NODE", "RUN_ID"]
            env = [os.environ["ACTANT_" + name] for name in names]
            return env, [actant.attempt_id(), str(actant.attempt()), actant.idempotency_key(), actant.node()]
        """)
    (py.world.path / "sub").mkdir()
    py.module("import os\ndef where():\n    return [os.getcwd(), 'sub']\n", "sub/tasks.py")
    nodes, document = py.node("""
        chain:
          - {python: 'tasks:look', args: [], env: {COLOR: red, HOME: null}}
          - {python: 'tasks:look', args: []}
          - {python: 'tasks:where', args: []}
          - {python: 'tasks:where', args: []}
          - {python: 'tasks:where', args: [], dir: sub}
          - {python: 'tasks:who', args: []}
        """)
    path = str(py.world.path)
    assert nodes["chain[0]"]["result"] == ["red", None, "red"]
    assert nodes["chain[1]"]["result"] == [None, path, ""]
    assert nodes["chain[2]"]["result"] == nodes["chain[3]"]["result"] == [path, path]
    assert nodes["chain[4]"]["result"] == [path + "/sub", "sub"]
    env, told = document["result"]
    assert env[:4] == told and env[1] == "1" and env[3] == "chain[5]" and env[4] == document["run"]


def test_outputs_by_name(py):
    py.module("""
        import os, subprocess
        import actant

        def f():
            actant.output("number", 3)
            actant.output("list", [1, {"a": None}])
            subprocess.run("echo text=from a child >> $ACTANT_OUTPUT", shell=True, check=True)
            with open(os.environ["ACTANT_OUTPUT"], "a") as file:
                file.write("other=1\\n")

        def bad():
            actant.output("set", {1})
        """)
    nodes, _ = py.node("python: tasks:f")
    assert nodes[""]["outputs"] == {"number": 3, "list": [1, {"a": None}], "text": "from a child", "other": "1"}
    nodes, _ = py.node("python: tasks:bad", code=1)
    assert "the output is of type set" in nodes[""]["error"]["message"]


def test_prints_go_to_the_log_as_they_happen(py):
    py.module("""
        import logging, os, subprocess, sys, threading

        def f(mark):
            print("no line end", end="")
            print(" then", "one", file=sys.stderr)
            sys.stdout.buffer.write(b"bytes\\xff\\n")
            os.write(1, b"raw descriptor\\n")
            subprocess.run(["echo", "a child"], check=True)
            logging.warning("a logger")
            thread = threading.Thread(target=print, args=("a thread",))
            thread.start()
            thread.join()
            print("marked", mark)

        def wait(path):
            print("begun", end="")
            while not os.path.exists(path):
                __import__("time").sleep(0.01)
        """)
    _, document = py.node("""
        group:
          - {python: 'tasks:f', args: [1]}
          - {python: 'tasks:f', args: [2]}
          - {for: [3, 4, 5, 6], do: {python: 'tasks:f'}}
        """)
    places = [("group[0]", 1), ("group[1]", 2)] + [(f"group[2].do[{i}]", 3 + i) for i in range(4)]
    for path, mark in places:
        out = py.log(document, path, "--stream", "out")
        assert out.startswith("no line end") and out.endswith(f"a thread\nmarked {mark}\n"), out
        # In the order of the writes, though they come on two ways.
        assert out == f"no line endbytes\ufffd\nraw descriptor\na child\na thread\nmarked {mark}\n"
        err = py.log(document, path, "--stream", "err")
        assert " then one\n" in err and "a logger" in err
    # While it runs, and without a line end.
    flow = py.world.write("python: tasks:wait\nargs: [go]\n")
    process = py.world.start("run", flow, "--verbose")
    run = None
    for _ in range(6000):
        listed = py.world("history", "list", "--json").out
        run = json.loads(listed)["runs"][0]["run"] if listed else None
        if run != document["run"] and "begun" in py.world("logs", run).out:
            break
        time.sleep(0.02)
    else:
        pytest.fail("what it prints is not seen while it runs")
    (py.world.path / "go").touch()
    assert process.wait(timeout=240) == 0


def test_coroutines_run_beside_each_other_in_one_worker(py):
    py.module("""
        import asyncio, os

        arrived = 0

        async def meet(n):
            # ends only if all are here at once, in this process
            global arrived
            arrived += 1
            print("i am", n)
            while arrived < 8:
                await asyncio.sleep(0.005)
            return os.getpid()

        async def know():
            return os.getpid()
        """)
    nodes, document = py.node("""
        chain:
          - {python: 'tasks:know', args: []}
          - {for: '${{ range(8) }}', do: {python: 'tasks:meet', args: ['${{ prev }}']}}
        """, "-j", "8", env=ONE_WORKER)
    assert len(set(document["result"])) == 1
    for i in range(8):
        assert py.log(document, f"chain[1].do[{i}]") == f"i am {i}\n"


def test_a_coroutine_is_cancelled_alone(py):
    """Both are known to be coroutines before, so that they run beside each other; the one that goes on ends once the
    other has been cancelled."""
    py.module("""
        import asyncio, os, actant

        async def forever(path):
            if path is None:
                return
            print("begun")
            try:
                await asyncio.sleep(100000)
            finally:
                print("cleaned up", actant.cancelled(), os.path.exists(path))

        async def short(path, end):
            if path:
                open(path, "w").close()
            while not os.path.exists(end):
                await asyncio.sleep(0.01)
            return os.getpid()
        """)
    for timeout in TIMEOUTS[1:]:  # until both had begun when it was cancelled
        for name in ("done", "beside"):
            (py.world.path / name).unlink(missing_ok=True)
        nodes, document = py.node(f"""
            chain:
              - {{python: 'tasks:forever', args: [null]}}
              - {{id: first, python: 'tasks:short', args: [null, .]}}
              - group:
                  - chain:
                      - {{id: forever, python: 'tasks:forever', args: [beside], timeout: {timeout}, grace: 1h, on_error: continue}}
                      - {{run: 'touch done'}}
                  - {{id: short, python: 'tasks:short', args: [beside, done]}}
            """, "-j", "8", env=ONE_WORKER)
        log = py.log(document, "forever")
        if log.startswith("begun\ncleaned up True True\n"):
            break
    by_id = {node["id"]: node for node in nodes.values()}
    assert by_id["forever"]["cause"]["kind"] == "timeout"
    assert log.startswith("begun\ncleaned up True True\n"), log
    assert document["result"][1] == by_id["first"]["result"]  # in the same worker, unharmed
    assert by_id["short"]["attempt"] == 1


# ---- what goes wrong ----------------------------------------------------------------------------

def test_an_exception_stands_in_history(py):
    node, document = py.fails("""
        class Broken(RuntimeError):
            pass

        def deeper():
            raise Broken("no way")

        def f():
            try:
                deeper()
            except Broken as error:
                raise ValueError("outside: 'ü'") from error
        """)
    error = node["error"]
    assert (error["type"], error["message"], error["cause"]) == ("ValueError", "outside: 'ü'", "exception")
    assert node["cause"]["kind"] == "exception" and node["exit_code"] is None
    assert "in deeper" in error["traceback"] and "tasks.Broken: no way" in error["traceback"]
    assert "direct cause" in error["traceback"] and "worker" not in error["traceback"]
    assert error["traceback"] in py.log(document, "chain[0].group[0]")


def test_the_error_reaches_a_catch(py):
    py.module("def f():\n    return {}['missing']\n")
    _, document = py.node("""
        try: {python: 'tasks:f'}
        catch: {value: '${{ error.type }}/${{ error.message }}/${{ error.cause }}'}
        """)
    assert document["result"] == "KeyError/'missing'/exception"


@pytest.mark.parametrize("target, kind, part", [
    ("taks:f", "ModuleNotFoundError", "there is no module 'taks' in"),
    ("taks:f", "ModuleNotFoundError", "did you mean 'tasks'?"),
    ("tasks:functoin", "AttributeError", "has no function 'functoin'; did you mean 'function'?"),
    ("tasks:VALUE", "TypeError", "tasks:VALUE is not a function, it is of type int"),
    ("broken:f", "ModuleNotFoundError", "No module named 'not_there'"),
    ("wrong:f", "SyntaxError", "wrong.py"),
    ("tasks:function", "TypeError", "takes 0 positional arguments but 1 was given"),
])
def test_what_cannot_be_called(py, target, kind, part):
    py.module("VALUE = 3\ndef function():\n    return 1\n")
    py.module("import not_there\ndef f():\n    pass\n", "broken.py")
    py.module("def f(:\n", "wrong.py")
    nodes, _ = py.node(f"{{python: '{target}', args: [1]}}", code=1)
    error = nodes[""]["error"]
    assert error["type"] == kind and part in error["message"], error


def test_validate_does_not_run_it(py):
    py.module("open('was-run', 'w')\ndef f():\n    pass\n")
    flow = py.world.write("python: tasks:f")
    py.world("validate", flow, code=0)
    py.world("plan", flow, code=0)
    py.world("validate", py.world.write("python: tasks"), code=2)
    assert not (py.world.path / "was-run").exists()


@pytest.mark.parametrize("value, part", [
    ("float('nan')", "the result is nan"),
    ("[1, {'a': [float('inf')]}]", "the result[1].a[0] is inf"),
    ("{'a': {1, 2}}", "the result.a is of type set"),
    ("b'bytes'", "the result is of type bytes"),
    ("__import__('datetime').datetime.now()", "the result is of type datetime"),
    ("object()", "the result is of type object"),
    ("{(1, 2): 3}", "the result has a key of type tuple"),
    ("'\\ud800'", "half a surrogate pair"),
    ("LOOP", "holds itself"),
    ("DEEP", "nested"),
    ("SLIGHTLY_DEEP", "nest"),
])
def test_what_json_cannot_say(py, value, part):
    node, _ = py.fails(f"""
        LOOP = []
        LOOP.append(LOOP)
        DEEP = []
        SLIGHTLY_DEEP = []
        for _ in range(100000):
            DEEP = [DEEP]
        for _ in range(300):
            SLIGHTLY_DEEP = [SLIGHTLY_DEEP]

        def f():
            return {value}
        """)
    assert node["cause"]["kind"] == "output" and part in node["error"]["message"], node["error"]


def test_a_gigabyte(py):
    node, _ = py.fails("def f():\n    return 'x' * ((1 << 30) + 1)\n")
    assert node["cause"]["kind"] == "output" and "longer than 1073741824 bytes" in node["error"]["message"]


def test_large_results_travel_by_reference(py):
    py.module("""
        def make(n):
            return {"rows": [{"i": i, "text": "ü" * 100} for i in range(n)]}

        def count(value):
            return [len(value["rows"]), sum(r["i"] for r in value["rows"]), value["rows"][-1]["text"][:2]]
        """)
    _, document = py.node("""
        chain:
          - {python: 'tasks:make', args: [100000]}
          - python: tasks:count
        """)
    assert document["result"] == [100000, 4999950000, "üü"]
    assert py.world.db.stat().st_size < 2_000_000


@pytest.mark.parametrize("how, code", [("sys.exit(7)", 7), ("sys.exit('said why')", 1), ("exit(300)", 44)])
def test_sys_exit(py, how, code):
    node, document = py.fails(f"import sys\ndef f():\n    {how}\n")
    assert node["cause"]["kind"] == "exit" and node["exit_code"] == code, node
    if "why" in how:
        assert "said why\n" in py.log(document, "chain[0].group[0]")


def test_sys_exit_with_zero_is_an_end(py):
    py.module("import sys\ndef f():\n    sys.exit()\n")
    nodes, _ = py.node("python: tasks:f")
    assert nodes[""]["status"] == "succeeded" and nodes[""]["result"] is None


@pytest.mark.parametrize("how, number", [
    ("os.kill(os.getpid(), 9)", 9),
    ("ctypes.string_at(0)", 11),
    ("os.abort()", 6),
    ("sys.setrecursionlimit(10**9); g(0)", 11),
])
def test_its_process_dies(py, how, number):
    node, document = py.fails(f"""
        import ctypes, os, sys

        def g(n):
            return [g(n + 1)] if n >= 0 else sorted([], key=g)

        class Deep:
            def __repr__(self):
                return repr(self)

        def f():
            print("last words")
            {how.replace("g(0)", "repr(Deep())")}
        """)
    assert node["cause"]["kind"] == "signal" and node["signal"] == signal.Signals(number).name, node
    assert "Python worker" in node["error"]["message"]
    log = py.log(document, "chain[0].group[0]")
    assert log.startswith("last words\n")
    if number in (6, 11):
        assert "Fatal Python error" in log


@pytest.mark.parametrize("code", [0, 3])
def test_os_exit(py, code):
    node, _ = py.fails(f"import os\ndef f():\n    os._exit({code})\n")
    assert node["cause"]["kind"] == "exit" and node["exit_code"] == code


def test_recursion(py):
    node, _ = py.fails("def f():\n    return f()\n")
    assert node["error"]["type"] == "RecursionError"


def test_a_fork_that_goes_on(py):
    py.module("""
        import os, subprocess, sys, time

        def back():
            if os.fork() == 0:
                return "from the child"
            time.sleep(0.2)
            return "from the parent"

        def raising():
            if os.fork() == 0:
                raise RuntimeError("in the child")
            os.wait()
            return "from the parent"

        def forever():
            pid = os.fork()
            if pid == 0:
                while True:
                    time.sleep(60)
            return pid

        def child():
            return subprocess.Popen(["sleep", "100000"]).pid
        """)
    nodes, document = py.node("""
        chain:
          - {python: 'tasks:back', args: []}
          - {python: 'tasks:raising', args: []}
          - {id: a, python: 'tasks:forever', args: []}
          - {id: b, python: 'tasks:child', args: []}
          - value: ['${{ nodes.a.result }}', '${{ nodes.b.result }}']
        """)
    assert nodes["chain[0]"]["result"] == nodes["chain[1]"]["result"] == "from the parent"
    for pid in document["result"]:
        assert is_gone(pid)


def test_a_memory_hog(py):
    node, _ = py.fails("""
        def f():
            keep = []
            while True:
                keep.append(bytearray(1 << 24))
        """, env={"ACTANT_PYTHON_MEMORY_BYTES": "400M"})
    assert node["error"]["type"] == "MemoryError"
    assert "memory limit of 419430400 bytes" in node["error"]["message"]


def test_a_hang_is_ended_by_its_timeout(py):
    py.module("""
        import signal, time, actant

        def stubborn():
            print("begun")
            while True:
                try:
                    time.sleep(100000)
                except BaseException as error:
                    print("not me:", type(error).__name__)

        def polite():
            print("begun")
            try:
                time.sleep(100000)
            finally:
                print("cleaned up", actant.cancelled())

        def busy():
            while not actant.cancelled():
                pass
            return "stopped by itself"

        def pid():
            import os
            return os.getpid()
        """)
    for time in TIMEOUTS[1:]:  # until all had begun, and the last could say something before it was killed
        nodes, document = py.node(f"""
            chain:
              - {{python: 'tasks:pid', args: []}}
              - {{python: 'tasks:polite', args: [], timeout: {time}, grace: 1h, on_error: continue}}
              - {{python: 'tasks:busy', args: [], timeout: {time}, grace: 1h, on_error: continue}}
              - {{python: 'tasks:stubborn', args: [], timeout: {time}, grace: {time}, on_error: continue}}
              - {{python: 'tasks:pid', args: []}}
            """, env=ONE_WORKER)
        polite, stubborn = py.log(document, "chain[1]"), py.log(document, "chain[3]")
        if polite.startswith("begun\n") and stubborn.startswith("begun\nnot me"):
            break
    for i in range(1, 4):
        assert nodes[f"chain[{i}]"]["cause"]["kind"] == "timeout"
    assert polite.startswith("begun\ncleaned up True\n"), polite
    assert "not me: Cancelled" in stubborn
    assert nodes["chain[4]"]["result"] != nodes["chain[0]"]["result"]  # replaced


def test_a_print_flood_is_bounded(py):
    py.module("""
        def f():
            line = "x" * 1023
            for _ in range(80 * 1024):
                print(line)
            return "done"
        """)
    nodes, document = py.node("group: [{python: 'tasks:f', args: []}, {run: echo unharmed}]", "--quiet")
    assert document["result"] == ["done", "unharmed"]
    log = py.log(document, "group[0]")
    assert len(log) < (65 << 20) and "the log limit of 67108864 bytes is reached" in log


@pytest.mark.parametrize("how, part", [
    ("os.write(3, b'Hello, world! This is no frame.')", "broke the protocol"),
    ("os.write(3, bytes([255, 255, 255, 127, 5]))", "broke the protocol"),
    ("os.write(4, b'x')", "second descriptor"),
    ("os.closerange(3, 1000)", "closed its descriptor"),
])
def test_garbage_on_its_descriptor(py, how, part):
    node, _ = py.fails(f"""
        import os, time

        def f():
            {how}
            time.sleep(100000)
        """)
    assert node["status"] == "failed" and part in node["error"]["message"], node["error"]


def test_retries_by_policy(py):
    py.module("""
        import os

        def third(path):
            with open(path, "a") as file:
                file.write("x")
            if os.path.getsize(path) < 3:
                os._exit(9)
            return os.environ["ACTANT_ATTEMPT"]
        """)
    _, document = py.node("{python: 'tasks:third', args: [count], retry: {max: 5, delay: 1ms}}")
    assert document["result"] == "3"


def test_one_that_kills_its_worker_takes_no_coroutine_with_it(py):
    """Those beside it are lost and run again; which of them did it is found by running each alone."""
    py.module("""
        import asyncio, os

        async def f(n):
            if n is None:
                return None
            open("begun%d" % n, "w").close()
            if n == 0:
                while not all(os.path.exists("begun%d" % i) for i in range(4)):
                    await asyncio.sleep(0.01)
                os.kill(os.getpid(), 9)
            await asyncio.sleep(0.5)
            return n
        """)
    nodes, document = py.node("""
        chain:
          - {python: 'tasks:f', args: [null]}
          - {for: '${{ range(4) }}', do: {python: 'tasks:f', on_error: continue}}
        """, "-j", "8", env=ONE_WORKER)
    assert document["result"] == [None, 1, 2, 3]
    assert nodes["chain[1].do[0]"]["cause"]["kind"] == "signal"


def test_what_had_begun_and_must_not_run_twice_is_lost(py):
    py.module("""
        import asyncio, os

        async def f(what):
            if what == "once":
                with open("ran", "a") as file:
                    file.write("x")
                await asyncio.sleep(100000)
            while what == "kill" and not os.path.exists("ran"):
                await asyncio.sleep(0.01)
            if what == "kill":
                os.kill(os.getpid(), 9)
        """)
    nodes, document = py.node("""
        chain:
          - {python: 'tasks:f', args: [null]}
          - group:
              - {python: 'tasks:f', args: [kill], on_error: continue}
              - {python: 'tasks:f', args: [once], idempotent: false, on_error: continue}
        """, "-j", "8", env=ONE_WORKER)
    assert nodes["chain[1].group[0]"]["cause"]["kind"] == "signal"
    assert nodes["chain[1].group[1]"]["cause"]["kind"] == "lost"
    assert (py.world.path / "ran").read_text() == "x"


def test_recycled_after_so_many(py):
    py.module("import os\ndef f(i):\n    return os.getpid()\n")
    _, document = py.node("for: '${{ range(40) }}'\ndo: {python: 'tasks:f'}\nparallel: 1\n",
                          env={"ACTANT_PYTHON_RECYCLE_CALLS": "10", "ACTANT_PYTHON_WORKERS": "1"})
    pids = document["result"]
    assert len(set(pids)) == 4 and all(pids.count(p) == 10 for p in pids)


def test_recycled_when_it_holds_much(py):
    py.module("""
        import os
        keep = []

        def f(i):
            keep.append(bytearray(b"x" * (1 << 22)))
            return os.getpid()
        """)
    _, document = py.node("for: '${{ range(400) }}'\ndo: {python: 'tasks:f'}\nparallel: 1\n",
                          env={"ACTANT_PYTHON_RECYCLE_BYTES": "300M", "ACTANT_PYTHON_WORKERS": "1"})
    assert 2 <= len(set(document["result"])) <= 100


def test_settings_that_cannot_be_read(py):
    py.module("def f():\n    pass\n")
    done = py.world("run", py.world.write("python: tasks:f"), env={"ACTANT_PYTHON_WORKERS": "many"})
    assert done.returncode == 2 and "ACTANT_PYTHON_WORKERS is 'many'" in done.err


# ---- the interpreter ----------------------------------------------------------------------------

def test_no_interpreter(py):
    py.module("def f():\n    pass\n")
    nodes, document = py.node("group: [{python: 'tasks:f', on_error: continue}, {run: echo fine}]",
                              env={"ACTANT_PYTHON": "/nowhere/python"})
    assert document["result"] == [None, "fine"]
    error = nodes["group[0]"]["error"]
    assert "Python worker cannot start: /nowhere/python: No such file" in error["message"]


def test_an_interpreter_that_cannot_start(py):
    py.module("def f():\n    pass\n")
    broken = py.world.write("#!/bin/sh\necho 'my libpython is gone' >&2\nexit 5\n", "broken-python")
    broken.chmod(0o755)
    nodes, _ = py.node("python: tasks:f", code=1, env={"ACTANT_PYTHON": str(broken)})
    message = nodes[""]["error"]["message"]
    assert "code 5" in message and "my libpython is gone" in message


def test_which_interpreter(py):
    py.module("import sys\ndef f():\n    return sys.argv[0], __import__('os').environ.get('WHICH')\n")
    for folder in ("given", "venv/bin"):
        (py.world.path / folder).mkdir(parents=True)
        script = py.world.write(f"#!/bin/sh\nWHICH={folder} exec {sys.executable} \"$@\"\n", f"{folder}/python")
        script.chmod(0o755)
    venv = {"VIRTUAL_ENV": str(py.world.path / "venv")}
    _, document = py.node("python: tasks:f", env=venv)
    assert document["result"][1] == "venv/bin"
    _, document = py.node("python: tasks:f", env={**venv, "ACTANT_PYTHON": str(py.world.path / "given/python")})
    assert document["result"][1] == "given"


# ---- secrets, signals, crashes ------------------------------------------------------------------

def test_secrets(py):
    py.module("""
        import os

        def use(token, nested):
            assert token == 'pa"ss\\\\wörd' and nested == {"deep": ['x pa"ss\\\\wörd y']}
            assert os.environ["TOKEN"] == token
            print("printed", token)
            return len(token)

        def leak(token):
            return {"it": token}

        def throw(token):
            raise ValueError("token is " + token)
        """)
    secret = {"ACTANT_SECRET_TOKEN": 'pa"ss\\wörd'}
    nodes, document = py.node("""
        secrets: [TOKEN]
        group:
          - python: tasks:use
            with: {token: '${{ secrets.TOKEN }}', nested: {deep: ['x ${{ secrets.TOKEN }} y']}}
            env: {TOKEN: '${{ secrets.TOKEN }}'}
          - {python: 'tasks:leak', args: ['${{ secrets.TOKEN }}']}
          - {python: 'tasks:throw', args: ['${{ secrets.TOKEN }}'], on_error: continue}
        """, env=secret)
    assert document["result"] == [10, None, None]
    assert "printed ***" in py.log(document, "group[0]")
    assert nodes["group[2]"]["error"]["message"] == "token is ***"
    for folder, _, files in os.walk(py.world.db.parent):
        for name in files:
            with open(os.path.join(folder, name), "rb") as file:
                content = file.read()
            assert "wörd".encode() not in content and b"w\\u00f6rd" not in content, name


def pids_alive(pids):
    return [pid for pid in pids if os.path.exists(f"/proc/{pid}")]


def until(condition):
    for _ in range(12000):
        got = condition()
        if got:
            return got
        time.sleep(0.02)
    pytest.fail("it does not come about")


def test_killed_with_everything_it_started_and_resumed(py):
    py.module("""
        import os, time

        def f():
            with open("pids", "a") as file:
                file.write("%d\\n" % os.getpid())
            while not os.path.exists("go"):
                time.sleep(0.01)
            return "resumed"
        """)
    process = py.world.start("run", py.world.write("python: tasks:f"))
    pids = py.world.path / "pids"
    until(lambda: pids.exists() and pids.read_text().endswith("\n"))
    process.kill()
    process.wait()
    until(lambda: not pids_alive(pids.read_text().split()))  # nobody is left to work for
    (py.world.path / "go").touch()
    run = py.world.json("history", "list")["runs"][0]["run"]
    assert py.world.json("resume", run)["result"] == "resumed"
    assert len(pids.read_text().split()) == 2


def test_suspended_in_order(py):
    py.module("""
        import os, time

        def f():
            open("begun", "w").close()
            try:
                while not os.path.exists("go"):
                    time.sleep(0.01)
            finally:
                open("ended", "w").close()
            return os.environ["ACTANT_ATTEMPT"]
        """)
    process = py.world.start("run", py.world.write("python: tasks:f"))
    until((py.world.path / "begun").exists)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=240) == 130
    assert (py.world.path / "ended").exists()
    (py.world.path / "go").touch()
    run = py.world.json("history", "list")["runs"][0]["run"]
    assert py.world.json("resume", run)["status"] == "succeeded"


def test_many(py):
    py.module("def f(i):\n    return i * 2\n")
    _, document = py.node("for: '${{ range(3000) }}'\ndo: {python: 'tasks:f'}\n", "-j", "16")
    assert document["result"] == [i * 2 for i in range(3000)]


def test_a_thousand_calls_after_a_crash(py):
    py.module("import os\ndef f(i):\n    if i == 0:\n        os.abort()\n    return i\n")
    _, document = py.node("""
        for: '${{ range(1001) }}'
        do: {python: 'tasks:f', on_error: continue}
        """, "-j", "8")
    assert document["result"] == [None] + list(range(1, 1001))

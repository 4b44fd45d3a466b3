"""libactant as a stranger gets it: installed, found with pkg-config and CMake, linked into programs."""

import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import time

import pytest

from conftest import ACTANT, PATIENCE_S, ROOT

BUILD = pathlib.Path(ACTANT).parent
ARCHIVE = BUILD / "libactant.a"
SANITIZE = os.environ.get("ACT_SANITIZE", "")
HEADERS = sorted((ROOT / "include/actant").glob("*.h"))
STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]

CACHE = BUILD / "CMakeCache.txt"
HAS = ARCHIVE.exists() and re.search(r"^ACT_LIBRARY:\w+=ON$", CACHE.read_text(), re.M)
library = pytest.mark.skipif(not HAS, reason="this build has no library (ACT_LIBRARY)")


def compiler():
    """The one of the build: a sanitizer's run time has to fit."""
    found = re.search(r"^CMAKE_C_COMPILER:\w+=(.*)$", CACHE.read_text(), re.M).group(1)
    return [found] + ([f"-fsanitize={SANITIZE}"] if SANITIZE else [])


def call(*args, **more):
    done = subprocess.run([str(a) for a in args], capture_output=True, text=True,
                          timeout=PATIENCE_S, stdin=subprocess.DEVNULL, **more)
    assert done.returncode == 0, f"{args}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    where = tmp_path_factory.mktemp("installed")
    call("cmake", "--install", BUILD, "--prefix", where, "--component", "engine")
    return where


@pytest.fixture(scope="module")
def flags(prefix):
    env = {**os.environ, "PKG_CONFIG_PATH": str(prefix / "lib/pkgconfig")}
    return shlex.split(call("pkg-config", "--cflags", "--libs", "actant", env=env))


@pytest.fixture(scope="module")
def follow(prefix, flags):
    program = prefix / "follow"
    call(*compiler(), "-std=gnu11", *STRICT, ROOT / "examples/embed/follow.c", "-o", program, *flags)
    return program


# ---- the headers --------------------------------------------------------------------------------


@pytest.mark.parametrize("header", HEADERS, ids=lambda h: h.name)
@pytest.mark.parametrize("language", ["c11", "c++11"])
def test_each_header_stands_alone(header, language, tmp_path):
    name = "c++" if "+" in language else "c"
    if name == "c++" and not shutil.which("c++"):
        pytest.skip("no C++ compiler")
    call("c++" if name == "c++" else "cc", f"-std={language}", *STRICT, "-fsyntax-only", "-x", name,
         "-include", header, "/dev/null")


def test_all_headers_together():
    includes = [part for header in HEADERS for part in ("-include", header)]
    call("cc", "-std=c11", *STRICT, "-fsyntax-only", "-x", "c", *includes, "/dev/null")


# ---- the archive --------------------------------------------------------------------------------


def exported():
    lines = call("nm", "-g", "--defined-only", ARCHIVE).splitlines()
    return {line.split()[2] for line in lines if len(line.split()) == 3}


def promised(name):
    text = re.sub(r"/\*.*?\*/", "", (ROOT / "include/actant" / name).read_text(), flags=re.S)
    return set(re.findall(r"ACTANT_API\b[^;{]*?\b(actant_\w+)\s*\(", text))


@library
def test_exports_nothing_of_its_inside():
    strangers = {name for name in exported() if not name.startswith("actant_")}
    assert not {name for name in strangers if not name.startswith("__")}, strangers


@library
def test_keeps_what_the_header_promises():
    assert len(promised("actant.h")) > 20
    assert not promised("actant.h") - exported()


# ---- the example --------------------------------------------------------------------------------


def run(program, *args, code=0, **more):
    done = subprocess.run([str(program), *map(str, args)], capture_output=True, text=True,
                          timeout=PATIENCE_S, **{"stdin": subprocess.DEVNULL, **more})
    assert done.returncode == code, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@library
def test_the_example_follows_a_run(follow, world):
    flow = ROOT / "examples/embed/build.yaml"
    lines = run(follow, "-p", '{"parts": 2}', flow).splitlines()
    assert "out              fetch | fetched 2 parts" in lines
    assert "node_ended       parts succeeded" in lines
    document = json.loads(lines[-1])
    assert document["result"] == {"built": 2}
    theirs = world.json("run", flow, "-p", "parts=2")
    assert document.keys() == theirs.keys()
    for key in ("workflow", "status", "result", "outputs", "tolerated", "spec", "from", "error"):
        assert document[key] == theirs[key]


@library
def test_the_example_shows_mistakes(follow, world):
    flow = world.write("run: echo\ntimout: 3s\n")
    done = subprocess.run([follow, flow], capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 2
    assert f"{flow}:2:1: error: there is no key 'timout'" in done.stderr
    assert "help: did you mean `timeout`?" in done.stderr
    run(follow, world.path / "none.yaml", code=2)
    run(follow, code=2)


@library
def test_the_example_cancels_after_failures(follow):
    # So many that not all of them are under way at once, on any machine.
    out = run(follow, "-f", 2, "-p", '{"broken": true, "parts": 2000}',
              ROOT / "examples/embed/build.yaml", code=4)
    assert "that was failure 2: cancelling" in out
    assert json.loads(out.splitlines()[-1])["status"] == "cancelled"


@library
def test_the_example_cancels_in_time_and_on_a_key(follow, world):
    flow = world.write("try: {run: echo up; exec sleep 1000}\nfinally: {run: echo cleaned}\n")
    out = run(follow, "-t", 1, flow, code=4)
    assert "1 seconds are over: cancelling" in out and "| cleaned" in out
    process = subprocess.Popen([follow, flow], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        if "| up" in line:
            break
    process.stdin.write("q\n")
    process.stdin.flush()
    assert "| cleaned" in process.stdout.read()
    assert process.wait(PATIENCE_S) == 4


@library
def test_a_killed_program_takes_its_run_up(follow, world):
    flow = world.write("chain:\n  - run: echo one >> done\n"
                       "  - run: |\n      test -e again && exit 0\n      touch again; exec sleep 1000\n"
                       "  - run: echo two >> done\n")
    database = world.path / "mine.db"
    process = subprocess.Popen([follow, "-d", database, flow], stdout=subprocess.DEVNULL,
                               stdin=subprocess.DEVNULL)
    until = time.monotonic() + PATIENCE_S
    while not (world.path / "again").exists():
        assert time.monotonic() < until
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait(PATIENCE_S)
    assert world.json("history", "list", "--db", database)["runs"][0]["status"] == "interrupted"
    out = run(follow, "-d", database, "-r", "last")
    assert "resume" in out
    assert json.loads(out.splitlines()[-1])["status"] == "succeeded"
    assert (world.path / "done").read_text() == "one\ntwo\n"
    assert world.json("history", "list", "--db", database)["runs"][0]["status"] == "succeeded"
    run(follow, "-d", database, "-r", "last", code=2)


@library
def test_with_make_and_with_cmake(prefix, tmp_path):
    if SANITIZE:
        pytest.skip("their compilers know nothing of the sanitizer")
    source = tmp_path / "embed"
    shutil.copytree(ROOT / "examples/embed", source)
    call("make", "-C", source, f"PKG_CONFIG_PATH={prefix}/lib/pkgconfig", "follow")
    assert '"built":1' in run(source / "follow", "-p", '{"parts": 1}', source / "build.yaml")
    call("cmake", "-S", source, "-B", tmp_path / "build", f"-DCMAKE_PREFIX_PATH={prefix}")
    call("cmake", "--build", tmp_path / "build")
    assert '"built":1' in run(tmp_path / "build/follow", "-p", '{"parts": 1}', source / "build.yaml")


# ---- the page -----------------------------------------------------------------------------------


@library
def test_the_page_is_a_program(flags, world):
    page = (ROOT / "docs/embedding.md").read_text()
    blocks = re.findall(r"^```c\n(.*?)^```", page, re.S | re.M)
    assert len(blocks) >= 7
    source = world.write("\n".join(blocks), "page.c")
    call(*compiler(), "-std=gnu11", *STRICT, source, "-o", world.path / "page", *flags)
    out = run(world.path / "page", cwd=world.path)
    assert "page.yaml:1:1: " in out
    assert "greet wrote hello world\n" in out
    assert "greet succeeded\n" in out
    assert '"result":"done"' in out
    assert "told\n" in out and "not told" not in out
    assert "cancelled, succeeded\n" in out
    assert "exists already: run " in out

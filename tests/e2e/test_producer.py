"""The background producer as a program of another project sees it: one header, one library, and what the manual
says. Every ```c block of docs/producer.md and examples/producer is a whole program; a ```text block right behind one
is what it prints.
"""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("ACTANT", ROOT / "build" / "release" / "actant")).parent
SANITIZE = os.environ.get("ACT_SANITIZE", "")
PATIENCE_S = 300  # a bound for what hangs, not a measure
STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror"]
PAGE = ROOT / "docs" / "producer.md"
BLOCKS = re.compile(r"^```c\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)
PROGRAMS = [(f"{PAGE.name}:{PAGE.read_text().count(chr(10), 0, m.start()) + 2}", m[1], m[2])
            for m in BLOCKS.finditer(PAGE.read_text())]

# A library that was built with a sanitizer is linked by the same compiler with the same flag.
CC = ["clang", f"-fsanitize={SANITIZE}"] if SANITIZE else ["cc"]

pytestmark = pytest.mark.skipif(shutil.which(CC[0]) is None, reason=f"no {CC[0]}")


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    at = tmp_path_factory.mktemp("prefix")
    subprocess.run(["cmake", "--install", str(BUILD), "--component", "producer", "--prefix", str(at)],
                   check=True, capture_output=True, timeout=PATIENCE_S)
    return at


def build(installed, source, program, shared=False):
    library = next(installed.rglob("libactant_producer." + ("so" if shared else "a")))
    link = [f"-L{library.parent}", "-lactant_producer", f"-Wl,-rpath,{library.parent}"] if shared \
        else [str(library)]
    done = subprocess.run([*CC, "-std=c11", *STRICT, f"-I{installed}/include", str(source), *link,
                           "-pthread", "-o", str(program)],
                          capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stderr
    return program


def run(program, *args, **more):
    return subprocess.run([str(program), *map(str, args)], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=PATIENCE_S, **more)


def test_only_the_header_and_the_libraries_are_installed(installed):
    names = sorted(p.name for p in installed.rglob("*") if p.is_file())
    assert names == ["libactant_producer.a", "libactant_producer.so", "producer.h"]


@pytest.mark.parametrize("language, compilers", [("c11", ["cc"]), ("c++17", ["c++", "clang++"])])
def test_the_header_stands_alone_and_beside_the_others(tmp_path, language, compilers):
    compiler = next(filter(shutil.which, compilers), None)
    if compiler is None:
        pytest.skip(f"none of {compilers}")
    for headers in (["producer.h"], ["actor.h", "producer.h"], ["producer.h", "actor.h"]):
        source = tmp_path / ("alone.c" if language == "c11" else "alone.cpp")
        source.write_text("".join(f"#include <actant/{h}>\n" for h in headers) +
                          "bool none(const struct actant_batch *batch);\n"
                          "bool none(const struct actant_batch *batch) { return batch->count == 0; }\n")
        done = subprocess.run([compiler, f"-std={language}", "-Wall", "-Wextra", "-Wpedantic", "-Werror",
                               f"-I{ROOT}/include", "-c", str(source), "-o", str(tmp_path / "alone.o")],
                              capture_output=True, text=True, timeout=PATIENCE_S)
        assert done.returncode == 0, (headers, done.stderr)


@pytest.mark.skipif(SANITIZE != "", reason="a library with a sanitizer exports what it needs")
def test_the_shared_library_shows_the_public_functions_alone(installed):
    said = subprocess.run(["nm", "-D", "--defined-only",
                           str(next(installed.rglob("libactant_producer.so")))],
                          capture_output=True, text=True, check=True).stdout
    names = {line.split()[-1] for line in said.splitlines()}
    header = re.sub(r"/\*.*?\*/", "", (ROOT / "include/actant/producer.h").read_text(), flags=re.DOTALL)
    assert names == set(re.findall(r"\b(actant_\w+)\(", header))


@pytest.mark.parametrize("shared", [False, True], ids=["archive", "shared"])
def test_gather(installed, tmp_path, shared):
    program = build(installed, ROOT / "examples/producer/gather.c", tmp_path / "gather", shared)
    files, expected = [], []
    for i in range(6):
        lines = [f"{'error ' if k % 10 == 3 else ''}file {i} line {k}\n" for k in range(400 * i)]
        file = tmp_path / f"in{i}"
        file.write_text("".join(lines))
        files.append(file)
        expected += lines
    out = tmp_path / "out"
    done = run(program, out, *files)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(rf"{len(expected)} lines in \d+ batches, 0 left\n", done.stdout)
    got = out.read_text().splitlines(keepends=True)
    assert sorted(got) == sorted(expected)
    for i in range(6):  # each lane of each file is in order
        for urgent in (True, False):
            mine = [line for line in got if f"file {i} " in line and line.startswith("error") == urgent]
            assert mine == [line for line in expected
                            if f"file {i} " in line and line.startswith("error") == urgent]
    assert run(program, out, files[1], tmp_path / "missing").returncode == 1
    assert run(program).returncode == 2


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_gather_stops_in_order_when_the_disk_is_full(installed, tmp_path):
    program = build(installed, ROOT / "examples/producer/gather.c", tmp_path / "gather")
    (tmp_path / "in").write_text("one\ntwo\n" * 5000)
    done = run(program, "/dev/full", tmp_path / "in")
    assert done.returncode == 1
    said = re.fullmatch(r"0 lines in 0 batches, (\d+) left\n", done.stdout)
    assert said and int(said[1]) > 0
    assert "gather: " in done.stderr


def test_the_manual_has_programs():
    assert len(PROGRAMS) >= 3 and all(printed for _, _, printed in PROGRAMS)


@pytest.mark.parametrize("at, text, printed", PROGRAMS, ids=[at for at, _, _ in PROGRAMS])
def test_the_manual_is_true(installed, tmp_path, at, text, printed):
    source = tmp_path / "program.c"
    source.write_text(text)
    done = run(build(installed, source, tmp_path / "program"))
    assert done.returncode == 0, f"{at}\n{done.stdout}{done.stderr}"
    assert done.stdout == printed, at

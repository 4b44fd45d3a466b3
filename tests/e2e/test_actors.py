"""The actor runtime as a program of another project sees it: one header, one library, and what the manual says.

Every ```c block of docs/actors.md and of examples/actors is a whole program; a ```text block right behind one
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
PAGE = ROOT / "docs" / "actors.md"
BLOCKS = re.compile(r"^```c\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)
PROGRAMS = [(f"{PAGE.name}:{PAGE.read_text().count(chr(10), 0, m.start()) + 2}", m[1], m[2])
            for m in BLOCKS.finditer(PAGE.read_text())]

# A library that was built with a sanitizer is linked by the same compiler with the same flag.
CC = ["clang", f"-fsanitize={SANITIZE}"] if SANITIZE else ["cc"]

pytestmark = pytest.mark.skipif(shutil.which(CC[0]) is None, reason=f"no {CC[0]}")


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    at = tmp_path_factory.mktemp("prefix")
    subprocess.run(["cmake", "--install", str(BUILD), "--component", "actors", "--prefix", str(at)],
                   check=True, capture_output=True, timeout=PATIENCE_S)
    return at


def build(installed, source, program, shared=False):
    library = next(installed.rglob("libactant_actor.so" if shared else "libactant_actor.a"))
    link = [f"-L{library.parent}", "-lactant_actor", f"-Wl,-rpath,{library.parent}"] if shared \
        else [str(library)]
    done = subprocess.run([*CC, "-std=c11", *STRICT, f"-I{installed}/include", str(source), *link,
                           "-pthread", "-o", str(program)],
                          capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stderr
    return program


def run(program, *args):
    return subprocess.run([str(program), *map(str, args)], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=PATIENCE_S)


def test_only_the_header_and_the_libraries_are_installed(installed):
    names = sorted(str(p.relative_to(installed)) for p in installed.rglob("*") if p.is_file())
    assert [n for n in names if n.endswith(".h")] == ["include/actant/actor.h"]
    assert sorted(pathlib.Path(n).name for n in names) == [
        "actor.h", "libactant_actor.a", "libactant_actor.so"]


@pytest.mark.parametrize("language, compilers", [("c11", ["cc"]), ("c++17", ["c++", "clang++"])])
def test_the_header_stands_alone(tmp_path, language, compilers):
    compiler = next(filter(shutil.which, compilers), None)
    if compiler is None:
        pytest.skip(f"none of {compilers}")
    source = tmp_path / ("alone.c" if language == "c11" else "alone.cpp")
    source.write_text("#include <actant/actor.h>\n"
                      "bool nobody(struct actant_ref ref);\n"
                      "bool nobody(struct actant_ref ref) { return actant_same(ref, ACTANT_NOBODY); }\n")
    done = subprocess.run([compiler, f"-std={language}", "-Wall", "-Wextra", "-Wpedantic", "-Werror",
                           f"-I{ROOT}/include", "-c", str(source), "-o", str(tmp_path / "alone.o")],
                          capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(SANITIZE != "", reason="a library with a sanitizer exports what it needs")
def test_the_shared_library_shows_the_public_functions_alone(installed):
    said = subprocess.run(["nm", "-D", "--defined-only",
                           str(next(installed.rglob("libactant_actor.so")))],
                          capture_output=True, text=True, check=True).stdout
    names = {line.split()[-1] for line in said.splitlines()}
    declared = set(re.findall(r"\b(actant_\w+)\(",
                              re.sub(r"/\*.*?\*/", "", (ROOT / "include/actant/actor.h").read_text(),
                                     flags=re.DOTALL))) - {"actant_same", "actant_filter"}
    assert names == declared


@pytest.mark.parametrize("shared", [False, True], ids=["archive", "shared"])
def test_words(installed, tmp_path, shared):
    program = build(installed, ROOT / "examples/actors/words.c", tmp_path / "words", shared)
    texts, words, lines = [], 0, 0
    for i in range(60):
        text = tmp_path / f"text{i}"
        text.write_text("one two\n" * (i * 50) + "three")
        texts.append(text)
        words += i * 100 + 1
        lines += i * 50
    for name in ("image1", "image2"):
        (tmp_path / name).write_bytes(b"a\0b")
    missing = tmp_path / "missing"
    done = run(program, tmp_path / "image1", *texts[:30], missing, tmp_path / "image2", *texts[30:])
    assert done.returncode == 1, done.stderr
    said = done.stdout.splitlines()
    for i, text in enumerate(texts):
        assert f"{text}: {i * 100 + 1} words in {i * 50} lines" in said
    assert f"{missing}: No such file or directory" in said
    assert said[-2:] == [f"total: {words} words in {lines} lines, 3 files not read",
                         "counters replaced: 2"]
    assert run(program, texts[3]).returncode == 0
    assert run(program).returncode == 2


def test_the_manual_has_programs():
    assert len(PROGRAMS) >= 8 and all(printed for _, _, printed in PROGRAMS)


@pytest.mark.parametrize("at, text, printed", PROGRAMS, ids=[at for at, _, _ in PROGRAMS])
def test_the_manual_is_true(installed, tmp_path, at, text, printed):
    source = tmp_path / "program.c"
    source.write_text(text)
    done = run(build(installed, source, tmp_path / "program"))
    assert done.returncode == 0, f"{at}\n{done.stdout}{done.stderr}"
    assert done.stdout == printed, at

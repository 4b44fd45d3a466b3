"""Plugins as their users and authors meet them: made, looked at, found or not, checked before a run."""

import json
import os
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCES = pathlib.Path(__file__).resolve().parent / "plugins"
CC = shutil.which("cc")
pytestmark = pytest.mark.skipif(not CC, reason="no C compiler")


def build(world, source, to="plugins", name=None, *flags, text=None):
    """Compiles a plugin of tests/e2e/plugins, or text; its path."""
    file = SOURCES / f"{source}.c"
    if text is not None:
        file = world.write(text, f"{source}.c")
    library = world.path / to / f"{name or source}.so"
    library.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run([CC, "-std=c11", "-Wall", "-Wextra", "-Werror", "-Wno-unused-function", "-g", "-fPIC", "-shared",
                           f"-I{ROOT}", f"-I{ROOT / 'include'}", *flags, str(file), "-o", str(library), "-lm"],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return library


@pytest.fixture(autouse=True)
def signals_as_they_are(world):
    """A sanitizer would turn a plugin's crash into an exit of its own."""
    for options in ("ASAN_OPTIONS", "TSAN_OPTIONS"):
        world.env[options] = ":".join(filter(None, [
            world.env.get(options), "handle_segv=0", "handle_sigbus=0", "handle_abort=0", "handle_sigill=0",
            "handle_sigfpe=0"]))


TABLE = """
#include "actant/plugin.h"
static int f(struct actant_call *call, const char *args, size_t length)
{
    return actant_call_result(call, args, length);
}
static const struct actant_plugin_task tasks[] = {%s};
static const struct actant_plugin plugin = {
    %s, sizeof(plugin), "%s", "1", ACTANT_PLUGIN_LIST(tasks), NULL, 0, 0};
const struct actant_plugin *%s(void);
const struct actant_plugin *%s(void) { %s return &plugin; }
"""


def table(tasks='{"t", f, NULL, NULL, NULL}', abi="ACTANT_PLUGIN_ABI", name="x",
          symbol="actant_plugin_v1", first=""):
    return TABLE % (tasks, abi, name, symbol, symbol, first)


# ---- actant plugin new, inspect ----------------------------------------------------------------


def test_a_new_plugin_is_built_inspected_and_run(world):
    world("plugin", "new", "hello", code=0)
    made = sorted(str(p.relative_to(world.path / "hello"))
                  for p in (world.path / "hello").rglob("*") if p.is_file())
    assert made == [".gitignore", "Makefile", "README.md", "actant/json.h", "actant/plugin.h",
                    "hello.c", "test.yaml"]
    done = subprocess.run(["make", "-C", str(world.path / "hello"), "CFLAGS=-Wall -Wextra -Werror"],
                          capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr, done.stderr
    told = world.json("plugin", "inspect", world.path / "hello" / "hello.so")
    assert told["abi"] == 1 and told["name"] == "hello" and told["version"] == "0.1.0"
    (task,) = told["tasks"]
    assert task["name"] == "greet" and task["args"]["required"] == ["name"]
    assert task["result"] == {"type": "array", "items": {"type": "string"}}
    assert "task greet" in world("plugin", "inspect", "hello/hello.so", code=0).out


@pytest.mark.parametrize("name", ["", "a b", "../x", "x/y", "9lives", "x.so", "ü"])
def test_a_name_that_cannot_be_one_makes_nothing(world, name):
    before = list(world.path.iterdir())
    done = world("plugin", "new", "--", name)
    assert done.returncode == 2 and "help:" in done.err
    assert list(world.path.iterdir()) == before


def test_what_exists_is_left_alone(world):
    world.write("mine", "hello/README.md")
    done = world("plugin", "new", "hello", code=2)
    assert "it exists already" in done.err
    assert (world.path / "hello" / "README.md").read_text() == "mine"
    assert not (world.path / "hello" / "Makefile").exists()


def bad(world, file):
    done = world("plugin", "inspect", file, "--json")
    assert done.returncode == 2 and not done.out, (done.returncode, done.out)
    assert "help:" in done.err, done.err
    return done.err


def test_what_is_no_plugin_is_told_apart(world):
    assert "No such file" in bad(world, "none.so")
    assert "no ELF file" in bad(world, world.write("text", "text.so"))
    assert "no ELF file" in bad(world, world.write("", "empty.so"))
    world.path.joinpath("cut.so").write_bytes(b"\x7fELF\x02\x01\x01" + bytes(20))
    assert "cut off" in bad(world, "cut.so")
    assert "no regular file" in bad(world, world.path)
    object_file = world.path / "o.so"
    subprocess.run([CC, "-c", f"-I{ROOT / 'include'}", "-x", "c", "-", "-o", str(object_file)],
                   input=table().encode(), check=True)
    assert "an object file, no shared library" in bad(world, object_file)


def test_one_for_another_machine(world):
    library = build(world, "x", text=table())
    data = bytearray(library.read_bytes())
    data[18:20] = (183).to_bytes(2, "little")  # e_machine: arm64
    library.write_bytes(data)
    said = bad(world, library)
    assert "built for arm64, and this is" in said and "build it on this machine" in said


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_one_that_may_not_be_read(world):
    library = build(world, "x", text=table())
    library.chmod(0)
    assert "Permission denied" in bad(world, library)


def test_one_without_the_symbol(world):
    library = build(world, "x", text="int nothing;\n")
    said = bad(world, library)
    assert "it does not export actant_plugin_v1" in said and 'extern "C"' in said


def test_another_abi(world):
    assert "built for plugin ABI 7, and this actant speaks ABI 1" in \
        bad(world, build(world, "x", text=table(abi="7")))
    said = bad(world, build(world, "y", text=table(symbol="actant_plugin_v2")))
    assert "built for plugin ABI 2" in said and "newer actant" in said


def test_an_undefined_symbol_is_named(world):
    text = "int missing_function(void);\n" + table(first="missing_function();")
    said = bad(world, build(world, "x", text=text))
    assert "missing_function" in said and "link it with what it needs" in said


@pytest.mark.parametrize("tasks, wanted", [
    ('{"t", f, 0, 0, 0}, {"u", f, 0, 0, 0}, {"t", f, 0, 0, 0}', "task 't': the name stands there twice"),
    ('{"t t", f, 0, 0, 0}', "a name is letters"),
    ('{0, f, 0, 0, 0}', "it has no name"),
    ('{"t", 0, 0, 0, 0}', "task 't': it has no function"),
    ('{"t", f, "{", 0, 0}', "schema of arguments cannot be used: offset"),
    ('{"t", f, "[]", 0, 0}', "a schema is a JSON object"),
    ('{"t", f, "{\\"type\\":\\"string\\"}", 0, 0}', 'arguments are of "type": "object"'),
    ('{"t", f, 0, "{\\"type\\":\\"text\\"}", 0}', "keyword 'type' has a wrong value"),
    ('{"t", f, 0, "{\\"oneOf\\":[]}", 0}', "keyword 'oneOf' is not known"),
])
def test_a_table_that_contradicts_itself(world, tasks, wanted):
    assert wanted in bad(world, build(world, "x", text=table(tasks=tasks)))


@pytest.mark.parametrize("first, wanted", [
    ("*(volatile int *)8 = 1;", "it crashed while it was loaded (SIGSEGV)"),
    ("__builtin_trap();", "it crashed while it was loaded (SIG"),
    ("extern void exit(int); exit(7);", "it ended its process while it was loaded (exit 7)"),
    ("return 0;", "actant_plugin_v1 returned NULL"),
])
def test_one_that_dies_when_it_is_loaded(world, first, wanted):
    library = build(world, "x", "plugins", None, "-Wno-nonnull", "-Wno-unused-value", "-O0",
                    text=table(first=first))
    assert wanted in bad(world, library)


def test_what_a_constructor_prints_is_not_the_answer(world):
    text = "#include <stdio.h>\n" + table() + \
        '__attribute__((constructor)) static void say(void) { puts("hello from the constructor"); }\n'
    library = build(world, "x", text=text)
    assert world.json("plugin", "inspect", library)["tasks"][0]["name"] == "t"


def test_inspect_finds_by_name(world):
    build(world, "x", text=table())
    assert world.json("plugin", "inspect", "x")["name"] == "x"
    done = world("plugin", "inspect", "y", code=2)
    assert "there is no plugin 'y'" in done.err and "plugins" in done.err


@pytest.mark.parametrize("compiler, standard", [("cc", "-std=c11"), ("c++", "-std=c++11")])
@pytest.mark.parametrize("header", ["plugin.h", "json.h"])
def test_the_headers_stand_alone(tmp_path, compiler, standard, header):
    if not shutil.which(compiler):
        pytest.skip(f"no {compiler}")
    source = tmp_path / ("x.c" if compiler == "cc" else "x.cc")
    source.write_text(f'#include "actant/{header}"\n#include "actant/{header}"\nint x;\n')
    done = subprocess.run([compiler, standard, "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow",
                           "-Werror", f"-I{ROOT / 'include'}", "-c", str(source), "-o", os.devnull],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# ---- validate ----------------------------------------------------------------------------------

SCHEMA = r'"{\"type\":\"object\",\"properties\":{' \
         r'\"path\":{\"type\":\"string\"},\"level\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":9},' \
         r'\"mode\":{\"type\":\"string\",\"enum\":[\"fast\",\"slow\"]},' \
         r'\"rows\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\"}}}}},' \
         r'\"required\":[\"path\"]}"'


def validate(world, text):
    done = world("validate", "--format", "json", world.write(text))
    return done, json.loads(done.out)["diagnostics"]


@pytest.mark.parametrize("call, message, help", [
    ("plugin: x:go\nwith: {path: a, level: 3, mode: fast}", None, None),
    ("plugin: x:go\nargs: [a, 3]", None, None),
    ("plugin: x:go\nwith: {path: '${{ 1 + 1 }}'}", None, None),
    ("plugin: x:go\nwith: '${{ fromJSON(env.HOME) }}'", None, None),
    ("plugin: x:go\nwith: {pth: a}", "no argument 'pth'", "did you mean 'path'?"),
    ("plugin: x:go\nwith: {path: a, zzzzzz: 1}", "no argument 'zzzzzz'", "it has path, level, mode, rows"),
    ("plugin: x:go\nwith: {level: 3}", "wants the argument 'path'", "add `with: {path: …}`: a string"),
    ("plugin: x:go", "wants the argument 'path'", None),
    ("plugin: x:go\nwith: {path: 3}", "argument 'path' of the task 'x:go': 3 is no string",
     "write it in quotes: '3'"),
    ("plugin: x:go\nwith: {path: a, level: '3'}", "'3' is no integer", "write it without quotes: 3"),
    ("plugin: x:go\nwith: {path: a, level: 10}", "10 is more than 9", "it wants an integer"),
    ("plugin: x:go\nwith: {path: a, mode: quick}", "'quick' is not one of fast, slow",
     "a string, one of fast, slow"),
    ("plugin: x:go\nwith: {path: a, rows: [{n: 1}, {n: b}]}", "argument 'rows[1].n'", None),
    ("plugin: x:go\nargs: [a, 1, fast, [], 5]", "takes 4 arguments and is given 5", None),
    ("plugin: x:og", "the plugin 'x' has no task 'og'", "did you mean 'go'?"),
    ("plugin: y:go", "there is no plugin 'y'", "y.so was looked for in"),
    ("plugin: x.so:go", "'x.so' cannot be the name of a plugin", "hello.so is `hello`"),
])
def test_arguments_are_checked_before_a_run(world, call, message, help):
    build(world, "x", text=table(tasks='{"go", f, %s, 0, 0}' % SCHEMA))
    done, found = validate(world, call + "\n")
    if message is None:
        assert done.returncode == 0, done.out
        return
    assert done.returncode == 2
    assert any(message in d["message"] and (help is None or help in d["help"]) for d in found), found
    assert all(d["line"] and d["column"] for d in found)


def test_what_enters_the_node_is_the_first_argument(world):
    build(world, "x", text=table(tasks='{"go", f, %s, 0, 0}' % SCHEMA))
    done, _ = validate(world, "chain:\n  - run: echo a\n  - plugin: x:go\n")
    assert done.returncode == 0, done.out


def test_arguments_laid_over_a_task(world):
    build(world, "x", text=table(tasks='{"go", f, %s, 0, 0}' % SCHEMA))
    text = "tasks: {t: {plugin: 'x:go', with: {level: 3}}}\n"
    done, _ = validate(world, text + "chain:\n  - {task: t, with: {path: a}}\n")
    # The entry alone lacks what its caller brings; it is called, so it is checked as called.
    assert done.returncode == 0, done.out
    done, found = validate(world, text + "chain:\n  - {task: t, with: {path: a, lvl: 1}}\n")
    assert done.returncode == 2 and "no argument 'lvl'" in found[0]["message"]


def test_the_path_comes_first_and_what_it_hides_is_said(world):
    first = build(world, "x", "a", text=table(tasks='{"one", f, 0, 0, 0}'))
    second = build(world, "x", text=table(tasks='{"two", f, 0, 0, 0}'))
    file = world.write("plugin: x:one\n")
    done = world("validate", file, env={"ACTANT_PLUGIN_PATH": str(first.parent)}, code=0)
    assert f"another plugin of this name: {second}" in done.err + done.out
    done = world("validate", file, code=2)
    assert "the plugin 'x' has no task 'one'" in done.err + done.out


def test_a_plugin_that_crashes_when_loaded_is_a_mistake_in_the_file(world):
    build(world, "x", "plugins", None, "-O0", text=table(first="*(volatile int *)8 = 1;"))
    done, found = validate(world, "plugin: x:t\n")
    assert done.returncode == 2 and "it crashed while it was loaded (SIGSEGV)" in found[0]["message"]

"""What the documents say is true: every workflow in them compiles, and those that say what comes out give it.

A ```yaml block is a whole workflow. Comments in it:
    # actant run FILE -p n=5     the options for what is said after it (none to begin with)
    # result: JSON               the run succeeds with this result
    # prints: TEXT               the same, the result as text
    # fails: CAUSE               the run fails with this cause
A ```text block is a fragment or output. Comments on its first line:
    # refused: CODE              a whole workflow that must not compile, for this reason
    # eval                       lines `EXPRESSION → JSON` (or `error`)
"""

import json
import os
import pathlib
import re
import shlex
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
ACTANT = os.environ.get("ACTANT", str(ROOT / "build" / "release" / "actant"))
PATIENCE_S = 300  # a bound for what hangs, not a measure
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(language):
    for page in PAGES:
        text = page.read_text()
        for match in FENCE.finditer(text):
            if match[1] == language:
                line = text.count("\n", 0, match.start()) + 2
                yield f"{page.name}:{line}", match[2]


def cases(block):
    """(options, what is said, value) of each claim in a yaml block."""
    options = []
    for line in block.splitlines():
        if found := re.match(r"# actant run FILE\b(.*)", line):
            options = shlex.split(found[1])
        elif found := re.match(r"# (result|prints|fails): (.*)", line):
            yield options, found[1], found[2]


WORKFLOWS = list(blocks("yaml"))
CLAIMS = [(f"{at}#{number}", block, *claim) for at, block in WORKFLOWS
          for number, claim in enumerate(cases(block), 1)]
REFUSED = [(at, re.match(r"# refused: (\S+)", block)[1], block) for at, block in blocks("text")
           if block.startswith("# refused: ")]
EVALUATED = [(f"{at}: {line}", *re.split(r"\s+→ ", line)) for at, block in blocks("text")
             if block.startswith("# eval\n") for line in block.splitlines()[1:]]


@pytest.fixture
def env(tmp_path):
    kept = {k: v for k, v in os.environ.items() if k not in ("CI", "GITHUB_ACTIONS")}
    return {**kept, "ACTANT_DB": str(tmp_path / "actant.db"), "TMPDIR": str(tmp_path),
            "XDG_CONFIG_HOME": str(tmp_path)}


def actant(env, *args, text="", cwd=None):
    return subprocess.run([ACTANT, *args], env=env, input=text, capture_output=True, text=True,
                          timeout=PATIENCE_S, cwd=cwd)


def test_there_is_something_to_prove():
    assert len(WORKFLOWS) > 40 and len(CLAIMS) > 40 and REFUSED and len(EVALUATED) > 20


@pytest.mark.parametrize("at, block", WORKFLOWS, ids=[at for at, _ in WORKFLOWS])
def test_compiles(env, at, block):
    done = actant(env, "validate", "-", text=block)
    assert done.returncode == 0, f"{at}\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize("at, block, options, verb, said", CLAIMS, ids=[c[0] for c in CLAIMS])
def test_gives_what_it_says(env, tmp_path, at, block, options, verb, said):
    done = actant(env, "run", "-", "--json", *options, text=block, cwd=tmp_path)
    assert done.returncode == (1 if verb == "fails" else 0), f"{at}\n{done.stdout}{done.stderr}"
    document = json.loads(done.stdout)
    if verb == "fails":
        assert document["error"]["cause"] == said
    else:
        assert document["result"] == (json.loads(said) if verb == "result" else said)


@pytest.mark.parametrize("at, code, block", REFUSED, ids=[at for at, _, _ in REFUSED])
def test_is_refused_for_that_reason(env, at, code, block):
    done = actant(env, "validate", "-", "--format", "json", text=block)
    assert done.returncode == 2 and f'"{code}"' in done.stdout, f"{at}\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize("at, expression, value", EVALUATED, ids=[e[0] for e in EVALUATED])
def test_expression(env, at, expression, value):
    done = actant(env, "eval", "--json", "--", expression)
    if value == "error":
        assert done.returncode == 2 and done.stderr
    else:
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout) == json.loads(value)


def named(path, pattern):
    return re.findall(pattern, (ROOT / path).read_text())


def test_the_reference_names_everything():
    language = (ROOT / "docs" / "language.md").read_text()
    missing = [name for name in
               named("dsl/plan_kinds.def", r'ACT_KIND\(\w+, \d+, "([^"]+)"') +
               named("dsl/grammar_keys.def", r'^ACT_KEY\("([^"]+)"') +
               named("dsl/diag_codes.def", r'ACT_DIAG_CODE\("([^"]+)"') +
               named("dsl/expr_functions.def", r'ACT_FUNCTION\("([^"]+)"')
               if not re.search(rf"`[^`]*(?<![\w-]){re.escape(name)}(?![\w-])[^`]*`", language)]
    assert not missing


def test_operations_names_every_command_and_option(env):
    operations = (ROOT / "docs" / "operations.md").read_text()
    commands = json.loads(actant(env, "help", "--json").stdout)["commands"]
    options = {option["name"] for command in commands for option in command["options"]}
    assert len(commands) > 15 and len(options) > 20
    assert not [c["name"] for c in commands if f"actant {c['name']}" not in operations]
    assert not [o for o in sorted(options) if f"--{o}" not in operations]


def test_operations_names_every_setting_and_exit_code(env):
    page = (ROOT / "docs" / "operations.md").read_text()
    settings = re.search(r"^\| key \| environment \|.*?\n\n", page, re.MULTILINE | re.DOTALL)[0]
    manual = actant(env, "man").stdout.replace("\\-", "-")
    for key in re.search(r"A flat list of settings: (.*?)\. ", manual)[1].split(", "):
        assert f"`{key}`" in settings, key
    codes = page[page.index("## Exit codes"):page.index("## The database")]
    for text in (codes, manual, actant(env, "help").stdout):
        assert "129" in text and "SIGHUP" in text


def test_the_example_of_embedding_is_built_against_a_preset_with_the_library():
    text = (ROOT / "examples" / "embed" / "Makefile").read_text()
    presets = json.loads((ROOT / "CMakePresets.json").read_text())["configurePresets"]
    with_library = {p["name"] for p in presets if p.get("cacheVariables", {}).get("ACT_LIBRARY") == "ON"}
    assert set(re.findall(r"build/(\w+)", text)) == with_library == {"library"}


def test_the_first_block_of_the_readme_is_the_two_commands():
    first = FENCE.search((ROOT / "README.md").read_text())
    assert first[1] == "" and first[2] == "./dev run examples/workflows/etl.yaml\n./dev test\n"

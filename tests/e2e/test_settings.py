"""Config files, the commands that print, completion."""

import json
import os
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_precedence(world):
    """flag > environment > project > user"""
    env = {k: v for k, v in world.env.items() if k != "ACTANT_DB"}
    world.env = env
    flow = world.write("value: 1")

    def where(*args, **more):
        before = {p for p in world.path.glob("*.db")}
        world("run", flow, *args, code=0, **more)
        return [p.name for p in world.path.glob("*.db") if p not in before]

    world.write(f'db = "{world.path}/user.db"\n', "config/actant/config.toml")
    assert where() == ["user.db"]
    world.write("db: project.db\n", "actant.yaml")
    assert where() == ["project.db"]
    deep = world.path / "deep"
    deep.mkdir()
    assert where(cwd=deep) == [] and not list(deep.glob("*.db"))
    assert where(env={"ACTANT_DB": "env.db"}) == ["env.db"]
    assert where("--db", "flag.db", env={"ACTANT_DB": "env.db"}) == ["flag.db"]


def test_toml_settings_are_used(world):
    world.write('# settings\njson = true\njobs = 2 # two\nquiet = true\nclean-env = true\n'
                'env = [\n  "ONE", # this\n  \'TWO\',\n]\non-interrupt = "cancel"\n', "actant.toml")
    flow = world.write("run: 'echo \"${ONE-} ${TWO-} ${THREE-}\"'")
    done = world("run", flow, env={"ONE": "1", "TWO": "2", "THREE": "3"}, code=0)
    assert json.loads(done.out)["result"] == "1 2 " and done.err == ""
    assert world("run", flow, "--no-json", "--no-quiet", code=0).out == ""


@pytest.mark.parametrize("name, text, line, words", [
    ("actant.toml", "jobs = 2\njbs = 3\n", 2, "did you mean 'jobs'"),
    ("actant.toml", "jobs = many\n", 1, "no value"), ("actant.toml", 'jobs = "many"\n', 1, "whole number"),
    ("actant.toml", "\n\n[run]\njobs = 1\n", 3, "tables"), ("actant.toml", "json\n", 1, "key = value"),
    ("actant.toml", 'db = "x\n', 1, "closing quote"), ("actant.toml", "json = true true\n", 1, "after"),
    ("actant.toml", "json = true\njson = false\n", 2, "twice"),
    ("actant.toml", 'color = ["always"]\n', 1, "not a list"),
    ("actant.toml", 'color = "blue"\n', 1, "auto|always|never"),
    ("actant.yaml", "jobs: 2\njbs: 3\n", 2, "did you mean 'jobs'"),
    ("actant.yaml", "run: echo hi\n", 1, "workflow needs another name"),
    ("actant.yaml", "- a\n", 1, "mapping"), ("actant.yaml", "jobs: {a: 1}\n", 1, "jobs"),
])
def test_mistakes_in_config_files(world, name, text, line, words):
    world.write(text, name)
    done = world("version", code=2)
    assert f"{name}:{line}" in done.err and words in done.err


def test_two_config_files_of_one_name(world):
    world.write("jobs = 1\n", "actant.toml")
    world.write("jobs: 1\n", "actant.yaml")
    assert "keep one" in world("version", code=2).err


def test_bad_environment_settings(world):
    done = world("version", env={"ACTANT_ON_INTERRUPT": "stop"}, code=2)
    assert "$ACTANT_ON_INTERRUPT: error: --on-interrupt is 'stop'" in done.err
    done = world("version", env={"ACTANT_JOBS": "many"}, code=2)
    assert "$ACTANT_JOBS: error: --jobs" in done.err
    assert "jobs" in done.err


def test_init(world):
    assert "actant run workflow.yaml" in world("init", code=0).out
    doc = world.json("run", "workflow.yaml")
    assert doc["status"] == "succeeded" and set(doc["result"]) == {"files", "bytes", "newest", "report"}
    assert "files in" in doc["outputs"]["summary"]
    assert "exists" in world("init", code=2).err
    world("init", "--force", code=0)
    assert world.json("init", "other.yaml")["file"] == "other.yaml"
    world("validate", "other.yaml", code=0)


def test_schema_is_json(world):
    schema = json.loads(world("schema", code=0).out)
    assert "draft-07" in schema["$schema"]


def test_version(world):
    assert world("version", code=0).out.startswith("actant ")
    assert world("--version", code=0).out == world("version").out
    assert set(world.json("version")) == {"version", "plan", "machine"}


def test_help(world):
    overview = world("help", code=0).out
    commands = [c["name"] for c in world.json("help")["commands"]]
    for name in commands:
        assert name in overview
        text = world("help", name, code=0).out
        assert text == world(name, "--help", code=0).out and "--json" in text
        assert max(map(len, text.splitlines())) <= 120
    assert world("help", "runn", code=2)
    assert world(code=2).out == overview


def test_the_manual_page_is_the_one_in_docs(world):
    assert (ROOT / "docs" / "actant.1").read_text() == world("man", code=0).out, \
        "actant man > docs/actant.1"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_parse(world, shell):
    text = world("completion", shell, code=0).out
    for option in ("jobs", "durability", "follow"):
        assert option in text
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=text.encode(), check=True)


def bash_completes(world, line):
    script = world("completion", "bash", code=0).out + f"""
COMP_WORDS=({line}{' ""' if line.endswith(' ') else ''}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
actant() {{ "{os.environ.get('ACTANT', 'actant')}" "$@"; }}
_actant; printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(["bash", "-c", script], env=world.env, capture_output=True, text=True,
                          cwd=world.path)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_bash_completion(world):
    run = world.run("value: 1")["run"]
    assert bash_completes(world, "actant ru") == ["run"]
    assert bash_completes(world, "actant run --dur") == ["--durability"]
    assert bash_completes(world, "actant run --durability p") == ["process", "power"]
    assert bash_completes(world, "actant run flo") == ["flow.yaml"]
    assert bash_completes(world, "actant history sh") == ["show"]
    assert run in bash_completes(world, f"actant resume {run[:3]}")
    assert bash_completes(world, f"actant run --resume {run[:3]}") == [run]


def test_bash_completes_an_option_as_its_command_means_it(world):
    world.write("x", "here")
    assert bash_completes(world, "actant plan -o ") == ["text", "json", "dot", "mermaid"]
    assert bash_completes(world, "actant export R -o ") == ["here"]
    assert bash_completes(world, "actant export R --output h") == ["here"]
    assert bash_completes(world, "actant run -o h") == ["here"]  # it has no -o: a file
    assert bash_completes(world, "actant logs last --stream ") == ["out", "err", "both"]


@pytest.mark.parametrize("shell, dashes", [("bash", "--"), ("zsh", "--"), ("fish", "-l ")])
def test_completion_offers_the_form_that_does_something(world, shell, dashes):
    text = world("completion", shell, code=0).out
    for name in ("cache", "history"):
        assert f"{dashes}no-{name}" in text and f"{dashes}{name}" not in text
    assert "keep nothing; then there is no resume" in text or shell == "bash"
    assert "(--no-" not in text


def test_bash_completes_verbs_and_what_follows_them(world):
    run = world.run("value: 1")["run"]
    for verb in ("show", "events", "verify", f"diff {run}", "--json show"):
        assert bash_completes(world, f"actant history {verb} ") == [run, "last"], verb
    assert bash_completes(world, "actant history ") == ["list", "show", "events", "diff", "verify", "gc"]
    assert bash_completes(world, "actant history gc ") == []
    assert bash_completes(world, "actant history gc --ol") == ["--older-than"]
    assert bash_completes(world, "actant actor ") == ["list", "reset"]
    assert bash_completes(world, "actant actor reset ") == []
    assert bash_completes(world, "actant plugin ") == ["new", "inspect"]
    assert bash_completes(world, "actant plugin new ") == []
    assert bash_completes(world, "actant plugin inspect flo") == ["flow.yaml"]


def test_zsh_and_fish_know_verbs_and_letters(world):
    zsh, fish = (world("completion", shell, code=0).out for shell in ("zsh", "fish"))
    for option in ("'(-j --jobs)'{-j+,--jobs=}'", "'*'{-p+,--param=}'", "'(-q --quiet)'{-q,--quiet}'"):
        assert option in zsh
    for verbs in ("list show events diff verify gc", "list reset", "new inspect"):
        assert f"'1:verb:({verbs})'" in zsh
        assert f"and not __fish_seen_subcommand_from {verbs}' -a {verbs.split()[0]} " in fish
    assert "'__fish_seen_subcommand_from history; and __fish_seen_subcommand_from show' -a '(_actant_runs)'" in fish
    assert "        show) _actant_runs;;\n" in zsh and "        inspect) _files;;\n" in zsh


def test_plan_formats(world):
    flow = world.write("dag:\n  a: echo a\n  b: {needs: [a], run: echo b}\n")
    assert "echo a" in world("plan", flow, code=0).out
    json.loads(world("plan", flow, "-o", "json", code=0).out)
    assert world.json("plan", flow)
    assert "digraph" in world("plan", flow, "-o", "dot", code=0).out
    assert world("plan", flow, "-o", "mermaid", code=0).out.lstrip().startswith(("flowchart", "graph"))


@pytest.mark.parametrize("args, out", [
    (["1 + 2"], "3"), (["--", "-1"], "-1"), (["--json", "'a'"], '"a"'), (["'a'"], "a"),
    (["--json", "range(3)"], "[0,1,2]"), (["--context", "ctx.json", "n.a * 2"], "42"),
    (["--context", "ctx.json", "other"], "x"),
])
def test_eval(world, args, out):
    world.write('{"n": {"a": 21}, "other": "x"}', "ctx.json")
    assert world("eval", *args, code=0).out == out + "\n"


@pytest.mark.parametrize("args", [["1 +"], ["nope(1)"], ["x.y"], ["1 / 0"], ["'open"],
                                  ["--context", "missing.json", "1"], ["a b"]])
def test_eval_mistakes(world, args):
    done = world("eval", *args, code=2)
    assert done.out == "" and "error" in done.err

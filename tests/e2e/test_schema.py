"""`actant schema`: a draft-07 schema that takes every workflow of the repository and refuses what an
editor should mark."""

import json
import os
import re
import subprocess
from pathlib import Path

import jsonschema
import pytest
import yaml

ROOT = Path(os.environ.get("ACT_SOURCE_DIR", Path(__file__).parents[2]))
ACTANT = os.environ.get("ACTANT", str(ROOT / "build/release/actant"))


class CoreLoader(yaml.SafeLoader):
    """YAML 1.2's core schema, as editors and actant read it."""


CoreLoader.yaml_implicit_resolvers = {}
for tag, pattern, first in [
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("merge", r"<<", "<"),
]:
    CoreLoader.add_implicit_resolver(
        f"tag:yaml.org,2002:{tag}", re.compile(f"^(?:{pattern})$"), list(first)
    )


@pytest.fixture(scope="module")
def validator():
    text = subprocess.run([ACTANT, "schema"], check=True, capture_output=True, text=True).stdout
    schema = json.loads(text)
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


def workflows():
    files = list((ROOT / "examples").rglob("*.yaml")) + list((ROOT / "tests/cases").rglob("*.yaml"))
    wrong = [e.with_suffix(".yaml") for e in (ROOT / "tests/cases").rglob("*.expect")]
    wrong = {f for f in wrong if not f.with_suffix(".expect").read_text().endswith("well\n")}
    good = [f for f in files if f not in wrong and f.parent.name != "lib"]
    return sorted(str(f.relative_to(ROOT)) for f in good)


@pytest.mark.parametrize("path", workflows())
def test_takes_what_compiles(validator, path):
    file = ROOT / path
    done = subprocess.run([ACTANT, "validate", file.name], cwd=file.parent, capture_output=True)
    if done.returncode != 0:
        pytest.skip("does not compile")
    document = yaml.load(file.read_text(), CoreLoader)
    error = jsonschema.exceptions.best_match(validator.iter_errors(document))
    assert error is None, f"{list(error.path)}: {error.message}"


@pytest.mark.parametrize(
    "text",
    [
        "rnu: x",
        "run: x\nexec: [a]",
        "if: a",
        "for: x",
        "quorum: 1\nrun: x",
        "chain: []",
        "race: []",
        "dag: {}",
        "[]",
        "just text",
        "chain: [{run: x, needs: a}]",
        "run: x\nneeds: a",
        "run: x\ntimeout: soon",
        "try: x",
        "run: x\noutput: yaml",
        "x: 1",
        "chord: {group: [a]}",
        "retry: {delay: 1s}\nrun: x",
        "params: {a: {tpye: string}}\nrun: x",
        "exec: []",
        "stdin: x\nsleep: 1s",
        "run: x\non_error: ignore",
        "chain: [{actors: {}, run: x}]",
        "chain: [{params: {}, run: x}]",
        "switch: a\ncases: {x: {y: z}}",
        "defaults: {id: a}\nrun: x",
        "run: x\nenv: {A: [1]}",
    ],
)
def test_refuses(validator, text):
    assert not validator.is_valid(yaml.load(text, CoreLoader))


def test_every_key_is_described(validator):
    keys = {k: v for k, v in validator.schema["definitions"].items() if k.startswith("key.")}
    assert len(keys) > 70
    assert all(len(v["description"]) > 5 for v in keys.values())

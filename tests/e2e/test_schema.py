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


# One fragment a line: the schema and the compiler say the same of it. What a schema cannot say (00, 0.0 and what is
# over 100 years) is left to the compiler.
ALIKE = r"""
run: a\ncache: {files: a, x-a: 1}
run: a\nretry: {max: 1, x-a: 1}
defaults: {x-a: 1}\nrun: a
run: a\ndefaults: {x-a: {b: [1]}, timeout: 1s}
concurrency: {max: 1, x-a: 1}\nrun: a
triggers: {x-a: 1, push: {x-b: 1, paths: a}, file: {paths: a, x-c: 1}, workflow: {path: a, x-d: 1}, schedule: {cron: '0 6 * * *', x-e: 1}}\nrun: a
triggers: {push: true}\nrun: a
triggers: {push: null}\nrun: a
triggers: {file: true}\nrun: a
triggers: {workflow: {status: a}}\nrun: a
matrix: {a: [1], x-b: 1}\ndo: a
matrix: {a: [1], x-b: {c: 1}}\ndo: a
switch: prev\ncases: {a: b, x-b: 1}
switch: prev\ncases: {a: b, x-b: {q: 1}}
run: a\nenv: {x-b: 1}
run: a\nenv: {x-b: [1]}
run: a\nlimits: {x-b: [1], a: 2}
run: a\nlimits: {x-b: 1}
dag: {a: {run: a}, b: {run: b, needs: {a: failed, x-c: 1}}}
run: a\noutputs: {x-b: [1]}
run: a\nartifacts: {x-b: [1]}
run: a\nartifacts: {x-b: a}
labels: {x-b: [1]}\nrun: a
params: {x-b: 1}\nrun: a
params: {a: {x-b: 1}}\nrun: a
actors: {x-b: 1}\nrun: a
actors: {a: {python: 'a:B', x-b: 1}}\nrun: a
tasks: {x-b: {a: 1}, b: {run: a}}\nrun: a
run: a\nretention: {keep: 1, x-b: 1}
chord: {group: [a], then: b, x-a: 1}
fail: {message: a, x-a: 1}
run: a\ncache: {max_age: 7}
run: a\ncache: {max_age: 0}
run: a\ncache: {max_age: 0s}
run: a\ncache: {max_age: '0'}
run: a\ncache: {max_age: 7d}
run: a\ncache: {max_age: '${{ params.a }}'}\nparams: {a: {}}
run: a\ncache: {max_age: '${{ 5 }}'}
run: a\nretention: {older_than: 30}
run: a\nretention: {keep: 1, keep_failed: 90}
run: a\nretention: {keep: 1, keep_failed: 90d}
run: a\nretention: {older_than: 0}
run: a\nretention: {older_than: '${{ 1 }}'}
run: a\nretention: {max_size: -1}
run: a\nretention: {max_size: 0}
run: a\nretention: {max_size: 10}
run: a\nretention: {max_size: 2G}
run: a\nretention: {max_size: G}
run: a\nretention: {max_size: 1.5}
run: a\nretention: {keep: 0}
run: a\ntimeout: 7
run: a\ntimeout: 0
run: a\ntimeout: '0'
run: a\ntimeout: -1
run: a\ntimeout: 1.5
run: a\ntimeout: 1.5s
run: a\ntimeout: 1s2h
run: a\ntimeout: 1s1s
run: a\ntimeout: 1h30m
run: a\ntimeout: 1m500ms
run: a\ntimeout: ''
run: a\ntimeout: .5s
run: a\ntimeout: 5.s
run: a\ntimeout: '${{ prev }}s'
run: a\ntimeout: '${{ 5 }}'
sleep: 5
sleep: 5s
sleep: null
sleep: '${{ 5 }}'
run: a\ndelay: 5
run: a\nretry: {max: 1, delay: 5, max_delay: 1m}
run: a\nretry: {max: 1, delay: 5s, max_delay: 1m}
run: a\nartifacts: {"a b": c}
run: a\nartifacts: {1a: c}
run: a\nartifacts: {a/b: c}
run: a\nartifacts: {a: /etc}
run: a\nartifacts: {a: ""}
run: a\nartifacts: {a: ../b}
run: a\nartifacts: {a: b/..}
run: a\nartifacts: {a: b/../c}
run: a\nartifacts: {a: ..b/c..}
run: a\nartifacts: {a: '${{ prev }}'}
run: a\nartifacts: {a: '/${{ prev }}'}
run: a\nartifacts: {a: '../${{ prev }}'}
run: a\nartifacts: {a: 'b/${{ prev }}/../*.c'}
run: a\nartifacts: {a: null}
run: a\nartifacts: {a: [b]}
run: a\nartifacts: {a: 1}
run: a\nartifacts: {}
run: a\nartifacts: '${{ prev }}'
run: a\ncache: {files: []}
run: a\ncache: {files: ''}
run: a\ncache: {files: '!'}
run: a\ncache: {files: /etc}
run: a\ncache: {files: '!/etc'}
run: a\ncache: {files: [/etc]}
run: a\ncache: {files: [a, '']}
run: a\ncache: {files: [a, null]}
run: a\ncache: {files: null}
run: a\ncache: {files: {}}
run: a\ncache: {files: '${{ prev }}'}
run: a\ncache: {files: ['/${{ prev }}', '!a']}
run: a\ncache: {files: ../a}
run: a\ncache: {key: null}
run: a\ncache: {key: [1]}
run: a\ncache: {}
run: a\ncache: text
run: a\ncache: 1
run: a\ncache: '${{ prev }}'
actors: {a: {python: 'a:B', idle: 5}}\nrun: a
actors: {a: {python: 'a:B', idle: 5s}}\nrun: a
actors: {a: {python: 'a:B', idle: '${{ 5 }}'}}\nrun: a
triggers: {schedule: {cron: '0 6 * * *', jitter: 5}}\nrun: a
triggers: {schedule: {cron: '0 6 * * *', jitter: 5m}}\nrun: a
triggers: {file: null}\nrun: a
triggers: {file: {}}\nrun: a
triggers: {workflow: true}\nrun: a
triggers: {workflow: {path: [a]}}\nrun: a
triggers: {workflow: {path: {}}}\nrun: a
triggers: {push: 1}\nrun: a
triggers: {schedule: null}\nrun: a
run: a\ntimeout: 1d2h3m4s5ms
run: a\ntimeout: 1ms2s
run: a\ntimeout: 1 h
run: a\nartifacts: {a: ..}
run: a\nartifacts: {a: ...}
run: a\ncache: {files: ['!x', 1]}
""".strip().splitlines()


def test_says_what_the_compiler_says(validator):
    differ, taken = [], 0
    for line in ALIKE:
        text = line.replace("\\n", "\n")
        done = subprocess.run([ACTANT, "validate", "-"], input=text, text=True, capture_output=True)
        assert done.returncode in (0, 2), done.stderr
        fits = validator.is_valid(yaml.load(text, CoreLoader))
        taken += fits
        if fits != (done.returncode == 0):
            differ.append((line, "fits" if fits else "does not fit", done.stdout))
    assert not differ
    assert 20 < taken < len(ALIKE) - 20


def test_every_key_is_described(validator):
    keys = {k: v for k, v in validator.schema["definitions"].items() if k.startswith("key.")}
    assert len(keys) > 70
    assert all(len(v["description"]) > 5 for v in keys.values())

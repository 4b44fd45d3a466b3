"""The case files through the command line: `actant validate` prints what NAME.expect holds."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(os.environ.get("ACT_SOURCE_DIR", Path(__file__).parents[2]))
ACTANT = os.environ.get("ACTANT", str(ROOT / "build/release/actant"))
CASES = [c for folder in ("yaml", "errors") for c in sorted((ROOT / "tests/cases" / folder).glob("*.yaml"))]


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c.parent.name}/{c.stem}")
def test_case(case):
    wanted = case.with_suffix(".expect").read_text()
    done = subprocess.run([ACTANT, "validate", case.name], cwd=case.parent, capture_output=True)
    printed = done.stdout.decode()
    if wanted.endswith("well\n"):
        assert done.returncode == 0
        assert printed.endswith("1 file is well\n")
        assert printed.startswith(wanted[: -len("well\n")])
    else:
        assert done.returncode == 2
        assert printed == wanted


@pytest.mark.parametrize("name", ["cases/errors/wrong-type-nested", "cases/yaml/ten-mistakes"])
def test_standard_input(name):
    case = ROOT / f"tests/{name}.yaml"
    wanted = case.with_suffix(".expect").read_text().replace(case.name, "<stdin>")
    done = subprocess.run([ACTANT, "validate", "-"], input=case.read_bytes(), capture_output=True)
    assert (done.returncode, done.stdout.decode()) == (2, wanted)


def test_a_folder_and_what_cannot_be_read(tmp_path):
    locked = tmp_path / "locked.yaml"
    locked.write_text("run: echo\n")
    locked.chmod(0)
    for path in [tmp_path, tmp_path / "none.yaml"] + ([] if os.geteuid() == 0 else [locked]):
        done = subprocess.run([ACTANT, "validate", path], capture_output=True, text=True)
        assert done.returncode == 2, done
        assert str(path) in done.stdout and "help: " in done.stdout

"""docs/faults.md names tests and harnesses that exist, and every fault once."""

import re

import pytest
from conftest import ROOT

ROW = re.compile(r"^\| (\d+) \| (.+?) \| (.+?) \| (.+) \|$", re.M)
ROWS = ROW.findall((ROOT / "docs" / "faults.md").read_text())
FILE = re.compile(r"`([a-z0-9_/]+\.(?:py|c))` ([a-z0-9_]+(?:, [a-z0-9_]+)*)")
CASES = re.compile(r"`(cases/[a-z]+)` ([a-z0-9-]+(?:, [a-z0-9-]+)*)")
PROOF = re.compile(r"`prove ([a-z-]+)`")


def names(text):
    """(kind, place, name) of everything that a cell names."""
    for file, listed in FILE.findall(text):
        for name in listed.split(", "):
            yield file, name
    for folder, listed in CASES.findall(text):
        for name in listed.split(", "):
            yield folder, name
    for harness in PROOF.findall(text):
        yield "prove", harness


def exists(place, name):
    tests = ROOT / "tests"
    if place == "prove":
        return any(tests.glob(f"prove/**/{name.replace('-', '_')}*"))
    if place.startswith("cases/"):
        return (tests / place / f"{name}.yaml").exists()
    text = (tests / place).read_text() if (tests / place).exists() else ""
    if place.endswith(".py"):
        return f"def test_{name}(" in text
    return re.search(rf"\b{name}\b", text) is not None


def test_every_fault_stands_there_once():
    assert [int(row[0]) for row in ROWS] == list(range(1, 78))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_what_it_names_exists(row):
    shown = list(names(row[3]))
    assert shown or row[3].startswith("open"), row
    for place, name in shown:
        assert exists(place, name), f"fault {row[0]}: {place} {name}"

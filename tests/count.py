#!/usr/bin/env python3
"""Counts the cases behind a ctest JUnit file: prints `passed failed skipped`.

A cmocka program or a pytest file is one ctest test with many cases; what each says at its end is
taken from its output. A test that says neither counts as one case. What the proofs counted goes to
standard error: ctest itself shows nothing of a test that passed.
"""

import re
import sys
import xml.etree.ElementTree as xml

CMOCKA = {
    "passed": re.compile(r"^\[  PASSED  \] (\d+) test\(s\)", re.M),
    "failed": re.compile(r"^\[  FAILED  \] (\d+) test\(s\)", re.M),
    "skipped": re.compile(r"^\[  SKIPPED \] (\d+) test\(s\)", re.M),
}
PYTEST_LINE = re.compile(r"^(?:=+ )?((?:\d+ [a-z]+(?:, )?)+) in [\d.]+s", re.M)
PYTEST_PART = re.compile(r"(\d+) (passed|failed|errors?|skipped|xfailed|xpassed)")


def cases(output):
    """(passed, failed, skipped) as the output itself counts them, or None."""
    found = {name: sum(map(int, regex.findall(output))) for name, regex in CMOCKA.items()}
    if any(found.values()):
        return found["passed"], found["failed"], found["skipped"]
    lines = PYTEST_LINE.findall(output)
    if not lines:
        return None
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for number, word in PYTEST_PART.findall(lines[-1]):
        word = {"error": "failed", "errors": "failed", "xfailed": "passed",
                "xpassed": "failed"}.get(word, word)
        counts[word] += int(number)
    return counts["passed"], counts["failed"], counts["skipped"]


def count(path):
    total = [0, 0, 0]
    for case in xml.parse(path).getroot().iter("testcase"):
        status = case.get("status")
        output = case.findtext("system-out") or ""
        found = cases(output)
        if status in ("notrun", "disabled"):
            # A program that was not built did not pass.
            found = (0, 0, 1) if status == "disabled" else (0, 1, 0)
        elif found is None:
            found = (1, 0, 0) if status == "run" else (0, 1, 0)
        elif status != "run" and found[1] == 0:
            # It broke outside its cases: a crash, a leak found at exit, a time limit.
            found = (found[0], 1, found[2])
        total = [a + b for a, b in zip(total, found)]
    return total


def show_proofs(path):
    for case in xml.parse(path).getroot().iter("testcase"):
        if case.get("name", "").startswith("prove/") and case.get("status") == "run":
            print((case.findtext("system-out") or "").strip(), file=sys.stderr)


if __name__ == "__main__":
    show_proofs(sys.argv[1])
    print(*count(sys.argv[1]))

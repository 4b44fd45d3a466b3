"""JUnit, GitHub Actions."""

import json
import xml.etree.ElementTree as ET

FLOW = """
dag:
  good: echo "well <done> & \\"fine\\""
  bad: 'echo "reason: 100%" >&2; exit 5'
  after: {needs: [bad], run: echo never}
  soft: {run: 'false', on_error: continue}
"""


def test_junit(world):
    report = world.path / "report.xml"
    world("run", world.write(FLOW), "--junit", report, code=1)
    suite = ET.parse(report).getroot()
    assert suite.tag == "testsuite" and suite.get("name") == "flow"
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("4", "1", "1")
    cases = {c.get("name"): c for c in suite}
    assert cases["good"].get("classname") == "flow" and float(cases["good"].get("time")) >= 0
    assert cases["good"].find("system-out").text == 'well <done> & "fine"\n'
    assert "5" in cases["bad"].find("failure").get("message")
    assert cases["bad"].find("system-err").text == "reason: 100%\n"
    assert cases["after"].find("skipped") is not None
    assert cases["soft"].find("failure") is None
    assert [p.name for p in world.path.glob("report.xml*")] == ["report.xml"]


def test_junit_is_not_written_over_a_database(world):
    one = world.run("run: echo one")["run"]
    other = world.path / "other.db"
    world("export", one, "-o", other, code=0)
    for target in (world.db, f"{world.db}-wal", f"{world.db}.owners", other, f"{other}-wal"):
        done = world("run", world.write("run: touch done", "b.yaml"), "--junit", target, code=2)
        assert "database" in done.err, done.err
    assert not (world.path / "done").exists()  # it is said before the run
    assert [row["run"] for row in world.json("history", "list")["runs"]] == [one]
    world("history", "verify", one, code=0)


def test_junit_survives_bytes_that_xml_does_not_have(world):
    report = world.path / "report.xml"
    world("run", world.write(r"run: printf '\001\033[31m\377<a>'"), "--junit", report, code=0)
    assert "<a>" in ET.parse(report).getroot()[0].find("system-out").text


def test_junit_that_cannot_be_written_is_code_3(world):
    done = world("run", world.write("run: echo hi"), "--junit", "/nowhere/report.xml", code=3)
    assert "/nowhere/report.xml" in done.err


def test_github(world):
    summary = world.path / "summary.md"
    env = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary), "CI": "true",
           "ACTANT_SECRET_TOKEN": "sesame-open"}
    flow = world.write("dag:\n  good: echo '::error::not from us'\n"
                       "  bad: {run: 'echo oops >&2; exit 5', env: {T: '${{ secrets.TOKEN }}'}}\n")
    err = world("run", flow, env=env, code=1).err
    assert "::add-mask::sesame-open\n" in err
    lines = err.splitlines()
    begin = lines.index("::group::good")
    assert lines[begin + 1].startswith("::stop-commands::")
    token = lines[begin + 1][len("::stop-commands::"):]
    assert len(token) >= 16
    inside = lines[begin + 2:lines.index(f"::{token}::", begin)]
    assert "::error::not from us" in inside
    assert lines[lines.index(f"::{token}::", begin) + 1] == "::endgroup::"
    notes = [line for line in lines if line.startswith("::error file=")]
    assert len(notes) == 1 and "flow.yaml,line=" in notes[0] and "title=bad::exit code 5" in notes[0]
    assert "flow" in summary.read_text() and "bad" in summary.read_text()


def test_github_annotates_mistakes_in_the_file(world):
    err = world("run", world.write("runn: x"), env={"GITHUB_ACTIONS": "true"}, code=2).err
    assert "::error file=" in err and "flow.yaml,line=1" in err


def test_validate_formats(world):
    flow = world.write("chain:\n- runn: x\n- {run: a, run: b}\n")
    good = world.write("run: a", "good.yaml")
    pretty = world("validate", flow, good, code=2).out
    assert "flow.yaml:2:3: error" in pretty and "help:" in pretty and "^" in pretty
    found = json.loads(world("validate", flow, good, "--format", "json", code=2).out)
    assert found["errors"] == 2 and {d["line"] for d in found["diagnostics"]} == {2, 3}
    assert world.json("validate", flow, code=2)["errors"] == 2
    sarif = json.loads(world("validate", flow, "--format", "sarif", code=2).out)
    assert sarif["version"] == "2.1.0" and len(sarif["runs"][0]["results"]) == 2
    assert world("validate", flow, "--format", "github", code=2).out.startswith("::error file=")
    assert "2 files are well" in world("validate", good, good, code=0).out

"""Secrets never reach database, WAL, spool or messages: not raw, not split over two writes, not in
base64, not as JSON writes them."""

import base64
import json
import pathlib

import pytest

SECRET = 'hunter2-"quote"\\slash-tail'
FORMS = [SECRET.encode(), json.dumps(SECRET)[1:-1].encode(), base64.b64encode(SECRET.encode())[:24],
         base64.b64encode(b"x" + SECRET.encode())[2:24], base64.b64encode(b"xy" + SECRET.encode())[4:24]]

FLOW = """
secrets: [TOKEN]
chain:
  - id: raw
    env: {T: "${{ secrets.TOKEN }}"}
    run: |
      printf '%s\\n' "$T"
      printf '%s\\n' "$T" >&2
  - id: split
    env: {T: "${{ secrets.TOKEN }}"}
    run: |
      printf '%s' "${T%tail}"; sleep 0.2; echo tail
  - id: coded
    env: {T: "${{ secrets.TOKEN }}"}
    run: printf '%s' "$T" | base64 -w0; printf 'x%s' "$T" | base64; printf 'xy%s' "$T" | base64
  - id: json
    env: {T: "${{ secrets.TOKEN }}"}
    run: |
      python3 -c 'import json, os; print(json.dumps({"t": os.environ["T"]}))'
  - id: output
    env: {T: "${{ secrets.TOKEN }}"}
    run: echo "t=$T" >> "$ACTANT_OUTPUT"
  - id: large
    env: {T: "${{ secrets.TOKEN }}"}
    run: seq 1 60000; printf '%s\\n' "$T"; seq 1 60000
  - {id: fine, run: echo fine}
"""


def leaks(folder, *texts):
    found = [str(text) for text in texts for form in FORMS if form in text.encode()]
    for file in pathlib.Path(folder).rglob("*"):
        if file.is_file() and file.name != "flow.yaml":
            data = file.read_bytes()
            found += [f"{file.name}: {form}" for form in FORMS if form in data]
    return found


def test_nowhere(world):
    flow = world.write(FLOW)
    done = world("run", flow, "--json", env={"ACTANT_SECRET_TOKEN": SECRET}, code=0)
    log = world("logs", "last", code=0)
    show = world("history", "show", "last", "--json", code=0)
    events = world("history", "events", "last", "--json", code=0)
    assert "***" in log.out and json.loads(done.out)["result"] == "fine"
    nodes = {n["id"]: n for n in json.loads(show.out)["nodes"]}
    for name in ("raw", "split", "coded", "json", "large"):
        assert nodes[name]["result"] is None, name
    assert nodes["output"]["outputs"] == {"t": None}
    assert not leaks(world.db.parent, done.out, done.err, log.out, show.out, events.out)


def test_a_failing_task_does_not_leak_in_the_message(world):
    flow = world.write("{run: 'echo \"bad $T\" >&2; exit 1', env: {T: '${{ secrets.TOKEN }}'}}")
    done = world("run", flow, "--json", env={"ACTANT_SECRET_TOKEN": SECRET}, code=1)
    told = world("explain", "last", "flow", "--json")
    assert not leaks(world.db.parent, done.out, done.err, told.out, told.err)


def test_the_value_reaches_the_task(world):
    flow = world.write("{run: 'test \"$T\" = \"$(cat expected)\" && echo same', env: {T: '${{ secrets.TOKEN }}'}}")
    (world.path / "expected").write_text(SECRET)
    (world.path / "secret").write_text(SECRET + "\n")
    (world.path / "credentials").mkdir()
    (world.path / "credentials" / "TOKEN").write_text(SECRET)
    for args, env in [
        (["--secret", "TOKEN"], {"TOKEN": SECRET}),
        (["--secret", f"TOKEN=@{world.path / 'secret'}"], {}),
        (["--secret", "TOKEN=!cat secret"], {}),
        ([], {"CREDENTIALS_DIRECTORY": str(world.path / "credentials")}),
        ([], {"ACTANT_SECRET_TOKEN": SECRET}),
    ]:
        assert world.json("run", flow, *args, env=env)["result"] == "same"


def test_where_a_secret_came_from_is_not_handed_on(world):
    flow = world.write("{run: 'env | grep -c TOKEN || true', env: {T: '${{ secrets.TOKEN }}'}}")
    for args, env in [([], {"ACTANT_SECRET_TOKEN": SECRET}), (["--secret", "TOKEN"], {"TOKEN": SECRET})]:
        assert world.json("run", flow, *args, env=env)["result"] == "0"


@pytest.mark.parametrize("args, words", [
    ([], "--secret TOKEN"), (["--secret", "TOKEN"], "TOKEN"), (["--secret", "TOKEN=hunter2"], "process list"),
    (["--secret", "TOKEN=@/nowhere"], "nowhere"), (["--secret", "TOKEN=!exit 3"], "3"),
], ids=["missing", "unset", "inline", "no-file", "command"])
def test_secrets_that_are_not_there(world, args, words):
    flow = world.write("{run: echo, env: {T: '${{ secrets.TOKEN }}'}}")
    done = world("run", flow, *args, code=2)
    assert words in done.err and "hunter2" not in done.err
    assert not world.db.exists() or world.json("history", "list")["runs"] == []


def test_a_resumed_run_finds_its_secrets_again(world):
    (world.path / "secret").write_text(SECRET)
    flow = world.write("{run: 'if [ ! -e up ]; then touch up; exec sleep 300; fi; test -n \"$T\" && echo had', "
                       "env: {T: '${{ secrets.TOKEN }}'}}")
    process = world.start("run", flow, "--secret", f"TOKEN=@{world.path / 'secret'}")
    world.wait_file("up")
    process.kill()
    world.end(process)
    assert world.json("resume", "last")["result"] == "had"

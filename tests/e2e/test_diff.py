"""history diff: what two specs, their inputs and their outputs say differently."""

SPEC = """
name: {name}
params: {{cc: {{type: string, default: {cc}}}}}
secrets: [TOKEN]
tasks:
  build: {{chain: [{{run: 'echo {inner}'}}]}}
dag:
  a: {{run: 'echo ${{{{ env.WHERE }}}}', timeout: {timeout}, env: {{CC: '${{{{ params.cc }}}}', T: '${{{{ secrets.TOKEN }}}}'}}}}
  b: {{needs: [a], task: build}}
  c: {{workflow: sub/child.yaml}}
  {extra}
"""
CHILD = "outputs: {n: '${{ prev }}'}\nrun: |\n  set -u\n  echo %s\n  true\n"


def two(world):
    env = {"ACTANT_SECRET_TOKEN": "hunter2hunter2", "WHERE": "here"}
    world.write(CHILD % "one", "sub/child.yaml")
    first = world.json("run", world.write(SPEC.format(name="x", cc="gcc", inner="in", timeout="90s", extra="")),
                       env=env)["run"]
    world.write(CHILD % "two", "sub/child.yaml")
    flow = SPEC.format(name="x", cc="clang", inner="out", timeout="2m", extra="d: {run: 'true'}")
    second = world.json("run", world.write(flow), env={**env, "WHERE": "there"})["run"]
    return first, second


def test_what_the_specs_say_differently(world):
    a, b = two(world)
    diff = world.json("history", "diff", a, b)
    changes = {(c["box"], c["path"]): c for c in diff["spec"]["changes"]}
    assert diff["spec"]["same"] is False
    assert set(changes) == {(None, ""), (None, "dag.a"), (None, "dag.d"), ("tasks.build", "chain[0]"),
                            ("sub/child.yaml", "")}
    assert changes[None, "dag.a"]["attributes"] == [{"name": "timeout", "a": "1m30s", "b": "2m"}]
    assert changes[None, "dag.a"]["id"] == "a" and changes[None, "dag.a"]["change"] == "changed"
    assert changes[None, "dag.d"]["change"] == "added" and changes[None, "dag.d"]["kind"] == "run"
    assert changes[None, "dag.d"]["attributes"] == [{"name": "run", "a": None, "b": "true"}]
    assert [x["name"] for x in changes[None, ""]["attributes"]] == ["params.cc"]
    assert changes["tasks.build", "chain[0]"]["attributes"] == [{"name": "run", "a": "echo in", "b": "echo out"}]
    assert changes["sub/child.yaml", ""]["attributes"][0]["b"] == "set -u\necho two\ntrue\n"
    assert diff["params"] == [{"name": "cc", "a": "gcc", "b": "clang"}]
    assert diff["env"] == [{"name": "WHERE", "a": "here", "b": "there"}]
    nodes = {n["node"]: n for n in diff["nodes"]}
    assert "outputs" in nodes["c"]["changes"] and nodes["c"]["a"]["outputs"] == {"n": "one"}


def test_in_words(world):
    a, b = two(world)
    text = world("history", "diff", a, b, code=0).out
    for line in ("timeout: 1m30s → 2m", "dag.d (run) added", "+ run: true", "tasks.build: chain[0] (run)",
                 "run: echo in → echo out", "run: (from line 2 on)", "- echo one", "+ echo two", "env WHERE"):
        assert line in text, (line, text)
    assert "set -u" not in text
    back = world("history", "diff", b, a, code=0).out
    assert "dag.d (run) removed" in back and "timeout: 2m → 1m30s" in back


def test_secrets_are_names(world):
    a, b = two(world)
    for form in ([], ["--json"]):
        assert "hunter2" not in world("history", "diff", a, b, *form, code=0).out


def test_control_characters_are_not_obeyed(world):
    a = world.run("run: 'true'")["run"]
    b = world.run('run: "echo \\e[31mred >/dev/null"')["run"]
    assert "\x1b" not in world("history", "diff", a, b, code=0).out


def test_the_same_spec_lists_nothing(world):
    flow = world.write("chain: [{run: 'true'}, {value: 1}]")
    a, b = (world.json("run", flow)["run"] for _ in range(2))
    diff = world.json("history", "diff", a, b)
    assert diff["spec"] == {"same": True, "a": diff["spec"]["a"], "b": diff["spec"]["a"], "changes": []}
    assert diff["nodes"] == [] and "did the same" in world("history", "diff", a, b, code=0).out


def test_how_two_runs_failed(world):
    """The same cause, and yet not the same."""
    flow = world.write("params: {code: {default: 7}, why: {default: ''}}\ndag:\n"
                       "  a: {run: 'exit ${{ params.code }}', on_error: continue}\n"
                       "  b: {fail: '${{ params.why }}'}\n")
    first = world.json("run", flow, "-p", "why=one", code=1)["run"]
    again = world.json("run", flow, "-p", "why=one", code=1)["run"]
    other = world.json("run", flow, "-p", "why=two", "-p", "code=9", code=1)["run"]
    assert world.json("history", "diff", first, again)["nodes"] == []
    nodes = {n["node"]: n for n in world.json("history", "diff", first, other)["nodes"]}
    assert nodes["a"]["changes"] == nodes["b"]["changes"] == ["cause"]
    assert [nodes["a"][side]["exit_code"] for side in "ab"] == [7, 9]
    assert [nodes["b"][side]["message"] for side in "ab"] == ["one", "two"]
    text = world("history", "diff", first, other, code=0).out
    assert "exited with code 7" in text and "exited with code 9" in text and "(fail): two" in text and "did the same" not in text

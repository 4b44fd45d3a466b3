"""`retention` in a workflow file: what a run's end removes, and what history gc obeys."""

import signal


def runs(world, *args):
    return [r["run"] for r in world.json("history", "list", *args)["runs"]]


def flow(retention, name="kept", body="run: echo x"):
    return f"name: {name}\nretention: {retention}\n{body}\n"


def test_the_end_of_a_run_applies_it(world):
    file = world.write(flow("{keep: 3}"))
    made = [world.json("run", file)["run"] for _ in range(5)]
    assert runs(world) == made[:1:-1]
    assert sorted(p.name for p in world.db.parent.glob("actant.db.d/*") if p.name in made[:2]) == []


def test_what_failed_stays_longer(world):
    file = world.write(flow("{keep: 1, keep_failed: 1d}", body="params: {c: {type: integer}}\nrun: exit ${{ params.c }}"))
    codes = [1, 0, 1, 0, 0]
    made = [world.json("run", file, "-p", f"c={c}", code=c)["run"] for c in codes]
    assert runs(world) == [made[4], made[2], made[0]]


def test_the_newest_file_says_what_holds_for_all_its_runs(world):
    made = [world.run(flow("{keep: 10}"))["run"] for _ in range(4)]
    made.append(world.run(flow("{keep: 2}"))["run"])
    world.json("history", "gc")  # a run's end has little time: it may leave some over
    assert runs(world) == made[:2:-1]
    made.append(world.run("name: kept\nrun: echo x")["run"])  # it has none: all stay
    assert len(runs(world)) == 3
    assert "needs to know" in world("history", "gc", code=2).err


def test_another_file_of_the_same_name_is_another_workflow(world):
    one = world.write(flow("{keep: 1}"), "one.yaml")
    other = world.write(flow("{keep: 1}"), "other.yaml")
    plain = world.write("name: kept\nrun: echo x", "plain.yaml")
    made = [world.json("run", f)["run"] for f in (plain, one, other, plain, one, other)]
    assert runs(world) == [made[5], made[4], made[3], made[0]]


def test_gc_without_options_obeys_it_and_says_which_rule(world):
    body = "run: seq 1 60000"
    file = world.write(flow("{keep: 10, older_than: 9h}", body=body))
    made = [world.json("run", file)["run"] for _ in range(3)]
    assert world.json("history", "gc")["removed"] == []
    other = world.run("value: 1")["run"]  # has no rules: stays
    made.append(world.run(flow("{max_size: 1T, keep_failed: 1d}", body=body))["run"])
    world.write(flow("{keep: 2, max_size: 400K}", body=body))
    made.append(world.json("run", world.path / "flow.yaml", "--on-interrupt", "suspend")["run"])
    world.json("history", "gc")
    left = runs(world)
    assert other in left and made[-1] in left and len(left) == 3  # keep 2, and more than 400K
    made.append(world.run(flow("{keep: 1000}", body=body))["run"])
    dry = world.json("history", "gc", "--dry-run", "--keep", "1", "--older-than", "0s", "--workflow", "kept")
    assert dry["removed"] == [made[3], made[4]] and dry["dry_run"] is True
    assert [b["rules"] for b in dry["because"]] == [["keep"], ["keep"]]
    assert dry["because"][0]["from"] == "options" and dry["because"][0]["workflow"] == "kept"
    assert "--keep" in world("history", "gc", "-n", "--keep", "1", code=0).out


BIG = """mkdir -p out; {make} > out/r'
artifacts: {{site: out, one: out/r}}"""
OWN = "run: '" + BIG.format(make="head -c 300000 /dev/urandom")
SAME = "run: '" + BIG.format(make="head -c 300000 /dev/zero")


def test_what_a_run_keeps_twice_counts_once(world):
    made = [world.run(flow("{max_size: 1T}", body=OWN))["run"] for _ in range(4)]
    dry = world.json("history", "gc", "--dry-run", "--max-size", "700K")
    assert dry["removed"] == made[:2]
    assert 600000 < dry["bytes"] < 700000 and all(300000 < b["bytes"] < 350000 for b in dry["because"])
    assert 1200000 < world.json("history", "gc", "--keep", "0", "--dry-run")["bytes"] < 1300000
    assert world.json("history", "gc", "--max-size", "700K")["bytes"] == dry["bytes"]
    assert runs(world) == made[:1:-1]
    world.run(flow("{max_size: 400K}", body=OWN))  # a workflow's own rule
    world.json("history", "gc")
    assert len(runs(world)) == 1


def test_what_runs_share_counts_with_the_newest(world):
    made = [world.run(flow("{max_size: 1T}", body=SAME))["run"] for _ in range(4)]
    assert world.json("history", "gc", "--dry-run", "--max-size", "500K")["removed"] == []
    dry = world.json("history", "gc", "--dry-run", "--keep", "1")
    assert dry["removed"] == made[:3] and dry["bytes"] < 50000  # the fourth still has it
    dry = world.json("history", "gc", "--dry-run", "--max-size", "200K")
    assert dry["removed"] == made and 300000 < dry["bytes"] < 350000
    assert [b["bytes"] > 300000 for b in dry["because"]] == [False, False, False, True]
    assert world.json("history", "gc", "--max-size", "200K")["bytes"] == dry["bytes"]
    assert runs(world) == [] and list(world.db.parent.glob("actant.db.d/objects/*")) == []


def test_dry_run_names_the_workflows_rules(world):
    file = world.write(flow("{keep: 100, older_than: 1ms}"))
    made = [world.json("run", file)["run"] for _ in range(2)]
    world.json("history", "gc", "--keep", "0", "--workflow", "other")
    import sqlite3
    with sqlite3.connect(world.db) as db:  # as if the newest had been run with another file
        db.execute("UPDATE runs SET spec = json_set(spec, '$.retention.keep', 1)")
    db.close()
    dry = world.json("history", "gc", "-n")
    assert dry["removed"] == made[:1]
    assert dry["because"][0] == {"run": made[0], "workflow": "kept", "from": "workflow",
                                 "rules": ["keep", "older_than"], "bytes": dry["bytes"]}
    assert "its retention: keep, older_than" in world("history", "gc", "-n", code=0).out
    assert runs(world) == made[::-1]
    assert world.json("history", "gc", "--keep-failed", "1d")["removed"] == made[:1]


def test_what_lives_or_waits_is_never_removed(world):
    body = "params: {w: {type: boolean}}\nrun: 'if ${{ params.w }}; then touch up; sleep 600; fi'"
    file = world.write(flow("{keep: 1}", body=body))
    living = world.start("run", file, "-p", "w=true")
    world.wait_file("up")
    run = world.last_run()
    made = [world.json("run", file, "-p", "w=false")["run"] for _ in range(3)]
    assert set(runs(world)) == {run, made[2]}
    living.send_signal(signal.SIGINT)
    world.end(living, 130)
    made.append(world.json("run", file, "-p", "w=false")["run"])
    assert set(runs(world)) == {run, made[3]} and world.show(run)["status"] == "suspended"
    world("cancel", run, code=0)
    assert world.show(run)["status"] == "cancelled"  # its own end spares it


def test_a_detached_run_applies_it_too(world):
    file = world.write(flow("{keep: 2}"))
    made = [world.json("run", file)["run"] for _ in range(2)]
    made.append(world.json("run", file, "--detach")["run"])
    world("attach", made[2], code=0)
    world.wait("the oldest to go", lambda: runs(world) == made[:0:-1])


def test_a_rerun_and_a_fork_have_their_runs_rules(world):
    file = world.write(flow("{keep: 2}", body="chain: [{id: a, run: echo a}, {id: b, run: echo b}]"))
    first = world.json("run", file)["run"]
    again = world.json("rerun", first)["run"]
    fork = world.json("fork", again, "--from", "b")["run"]
    assert runs(world) == [fork, again]


def test_mistakes_teach(world):
    for text, said in (("5", "a mapping"), ("{}", "which runs may go"), ("{keep_failed: 1d}", "which runs may go"),
                       ("{keep: 0}", "from 1 on"), ("{keep: many}", "from 1 on"), ("{older_than: 30}", "30s"),
                       ("{max_size: 2X}", "K, M, G or T"), ("{keeep: 3}", "keep"),
                       ("{keep: '${{ 1 }}'}", "from 1 on"), ("{older_than: '${{ 1 }}'}", "retention")):
        done = world("validate", world.write(flow(text)))
        assert done.returncode == 2 and said in done.err + done.out, (text, done.err + done.out)
    world("validate", world.write(flow("{keep: 3, older_than: 30d, max_size: 2G, keep_failed: 90d}")), code=0)


def test_diff_and_plan_tell_it(world):
    a = world.run(flow("{keep: 3}"))["run"]
    b = world.run(flow("{keep: 5, max_size: 1K}"))["run"]
    rows = world.json("history", "diff", a, b)["spec"]["changes"][0]["attributes"]
    assert {"name": "retention.keep", "a": "3", "b": "5"} in rows

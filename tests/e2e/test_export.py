"""export and import: a run as one file, which is checked through before anything of it is taken."""

import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys

import pytest

FLOW = """
name: sent
params: {n: {type: integer, default: 2}}
secrets: [TOKEN]
chain:
- {id: a, run: 'echo a >> log; echo one; echo err-a >&2'}
- {id: big, run: 'echo big >> log; seq 1 40000'}
- {id: use, run: 'echo use >> log; test -n "$T"; wc -c', env: {T: '${{ secrets.TOKEN }}'}}
- {id: many, for: '${{ range(params.n) }}', do: {run: 'echo m${{ item }} >> log; echo ${{ item }}'}}
"""
SECRET = {"TOKEN": "very-secret-token-1"}


@pytest.fixture
def there(world, tmp_path):
    """A colleague: another database, another folder."""
    other = type(world)(tmp_path / "there") if (tmp_path / "there").mkdir() is None else None
    return other


def send(world, *args, code=0, flow=FLOW):
    (world.path / "home").mkdir(exist_ok=True)
    run = world.json("run", world.write(flow, "home/flow.yaml"), "--secret", "TOKEN", env=SECRET, code=code, *args)["run"]
    file = world.path / "run.actant"
    done = world.json("export", run, "-o", file)
    assert done["run"] == run and not done["already"]
    return run, file


def listed(world):
    return world.json("history", "list")["runs"]


def test_a_run_is_read_verified_and_forked_elsewhere(world, there):
    run, file = send(world)
    shutil.rmtree(world.path / "home")  # the colleague does not have it
    assert "is not here" in there("import", file, code=0).err
    mine, theirs = world.show(run), there.show(run)
    assert mine == theirs
    for node in ("a", "big", "use"):
        assert world("logs", run, node).out == there("logs", run, node, code=0).out
    assert world("history", "events", run, "--json").out == there("history", "events", run, "--json").out
    there("history", "verify", run, code=0)
    there("explain", run, "use", code=0)
    fork = there.json("fork", run, "--from", "use", "--secret", "TOKEN", env=SECRET)
    assert fork["result"] == mine["result"] and fork["from"] == {"run": run, "node": "use"}
    log = (there.path / "log").read_text().split()  # where they are, not where I was
    assert log[0] == "use" and sorted(log[1:]) == ["m0", "m1"]
    again = there.json("rerun", run, "--secret", "TOKEN", env=SECRET)
    assert again["result"] == mine["result"]


def test_the_file_is_a_database_of_its_own(world):
    run, file = send(world)
    before = file.read_bytes()
    for suffix in ("-wal", "-shm", ".lock", ".owners", ".reserve", ".d"):
        assert not os.path.exists(f"{file}{suffix}")
    assert not [p for p in world.path.iterdir() if p.name.startswith(".actant")]
    assert sqlite3.connect(file).execute("PRAGMA integrity_check").fetchone() == ("ok",)
    shown = json.loads(world("history", "show", run, "--json", "--db", file, code=0).out)
    assert shown["status"] == "succeeded" and shown["run"] == run
    world("history", "events", run, "--db", file, code=0)
    assert file.read_bytes() == before


def test_nothing_is_added_to_an_exported_run(world):
    flow = world.write("chain: [{run: echo one}, {id: t, run: echo two}]\n")
    run = json.loads(world("run", flow, "--json", code=0).out)["run"]
    file = world.path / "kept.db"
    world("export", run, "-o", file, code=0)
    before = file.read_bytes()
    for verb in (["fork", run, "--from", "t"], ["rerun", run], ["run", flow], ["run", "--detach", flow],
                 ["history", "gc", "--keep", "0"], ["import", file]):
        refused = world(*verb, "--db", file, code=3).err
        assert "exported run" in refused and "actant import" in refused, refused
    assert file.read_bytes() == before
    assert world.json("history", "verify", run, "--db", file)["verified"]


def test_no_secret_leaves(world):
    text = "holds !&$ a secret"
    (world.path / "token").write_text(text)
    run = world.json("run", world.write(FLOW), "--secret", f"TOKEN=@{world.path}/token")["run"]
    world("export", run, "-o", world.path / "f", code=0)
    content = (world.path / "f").read_bytes()
    assert text.encode() not in content and f"{world.path}/token".encode() not in content


def test_who_is_told_of_events_stays_the_senders_own(world, there):
    """Neither he nor somebody who has changed the file hears what a colleague does with the run."""
    (world.path / "heard").mkdir()
    heard = world.path / "heard" / "here"
    run = world.json("run", world.write("run: echo x"), "--events", heard)["run"]
    world("export", run, "-o", "f", code=0)
    assert str(heard).encode() not in (world.path / "f").read_bytes()
    change(world.path / "f", "UPDATE runs SET spec = json_set(spec, '$.options.events', json_array('" + str(heard) + "'))")
    lines = heard.read_text()
    there.json("import", world.path / "f")
    there.json("resume", run)
    there.json("rerun", run)
    assert heard.read_text() == lines


def test_standard_output_and_input(world, there):
    run, file = send(world)
    done = subprocess.run([os.environ["ACTANT"], "export", run, "-o", "-"], env=world.env, cwd=world.path,
                          capture_output=True, timeout=120, check=True)
    assert there.json("import", "-", input=done.stdout)["run"] == run
    there("history", "verify", run, code=0)


def test_a_file_that_is_there_is_not_replaced(world):
    run, file = send(world)
    assert "--force" in world("export", run, "-o", file, code=2).err
    world("export", run, "-o", file, "--force", code=0)
    assert "-o" in world("export", run, code=2).err
    assert "no run" in world("export", "zzz", "-o", "x", code=2).err
    world("export", run, "-o", world.path / "no" / "such", code=2)
    assert "no folder" in world("export", run, "-o", world.path / "no" / "such").err


def beside(db):
    return [f"{db}{suffix}" for suffix in ("-wal", "-shm", ".lock", ".owners", ".reserve")]


def test_a_database_is_not_replaced_whatever_is_forced(world, there):
    run, _ = send(world)
    there.run("run: echo mine")
    os.link(world.db, world.path / "link")
    os.symlink(there.db, world.path / "symlink")
    for target in [world.db, *beside(world.db), world.path / "link", there.db, *beside(there.db), world.path / "symlink"]:
        done = world("export", run, "-o", target, "--force", code=2)
        assert "database" in done.err and "another name" in done.err, done.err
    for name in ("-wal", ".owners"):  # also where there is none yet
        one = sqlite3.connect(world.path / "other.db")
        one.executescript("CREATE TABLE IF NOT EXISTS t (x)")
        one.close()
        world("export", run, "-o", f"{world.path}/other.db{name}", code=2)
    world("export", run, "-o", world.path / "other.db", "--force", code=2)
    assert len(listed(world)) == len(listed(there)) == 1
    world("history", "verify", run, code=0)
    there("history", "verify", "last", code=0)


def use_as_database(world, file):
    """Leaves a WAL with frames, as whoever dies in the middle does."""
    script = ("import os, sqlite3, sys; sql = sqlite3.connect(sys.argv[1]); sql.execute('UPDATE runs SET status = ?',"
              " ('failed',)); sql.commit(); os._exit(0)")
    subprocess.run([sys.executable, "-c", script, str(file)], check=True, timeout=120)
    assert os.path.getsize(f"{file}-wal") > 0


def test_an_exported_run_is_replaced_with_what_lies_beside_it(world):
    run, file = send(world)
    use_as_database(world, file)
    assert world.json("history", "list", "--db", file)["runs"][0]["status"] == "failed"
    later = world.run("run: echo later")["run"]
    world("export", later, "-o", file, "--force", code=0)
    assert not [name for name in beside(file)[:2] if os.path.exists(name)]
    assert [row["run"] for row in world.json("history", "list", "--db", file)["runs"]] == [later]
    world("export", run, "-o", file, "--force", code=0)  # one without large outputs
    assert [row["run"] for row in world.json("history", "list", "--db", file)["runs"]] == [run]


def test_an_exported_run_that_somebody_reads_is_not_replaced(world):
    run, file = send(world)
    reader = sqlite3.connect(file, isolation_level=None)
    reader.execute("BEGIN")
    before = reader.execute("SELECT id FROM runs").fetchall()
    assert "open" in world("export", run, "-o", file, "--force", code=3).err
    reader.execute("COMMIT")
    assert reader.execute("SELECT id FROM runs").fetchall() == before
    reader.close()
    world("export", run, "-o", file, "--force", code=0)


def test_what_a_database_left_is_not_laid_over_a_run(world):
    run, file = send(world)
    use_as_database(world, file)
    file.unlink()
    for more in ([], ["--force"]):
        assert "-wal" in world("export", run, "-o", file, *more, code=2).err
        assert not file.exists() or more == []
    os.unlink(f"{file}-wal")
    world("export", run, "-o", file, code=0)


def test_twice_is_once(world, there):
    run, file = send(world)
    there.json("import", file)
    assert there.json("import", file)["already"]
    assert "there already" in there("import", file, code=0).out
    assert world.json("import", file)["already"]  # at home, too
    assert len(listed(there)) == 1


def test_another_run_of_that_name_is_refused(world, there):
    flow = FLOW.replace("echo one", "echo one; test -e ok")
    run, file = send(world, code=1, flow=flow)
    there.json("import", file)
    (world.path / "home" / "ok").touch()
    world.json("retry", run, "--secret", "TOKEN", env=SECRET)
    world("export", run, "-o", world.path / "later", code=0)
    shown = there.show(run)
    assert "another run" in there("import", world.path / "later", code=2).err
    assert there.show(run) == shown
    assert listed(there)[0]["status"] == "failed"


def test_a_run_under_way_is_refused_and_a_suspended_one_goes(world, there):
    flow = world.write("chain:\n- {id: a, run: 'echo a >> log; echo out'}\n"
                       "- {id: b, run: 'touch up; test -e ok || exec sleep 300; cat'}\n")
    process = world.start("run", flow)
    world.wait_file("up")
    run = world.last_run()
    assert "under way" in world("export", run, "-o", "f").err
    process.terminate()
    world.end(process, 143)
    world("export", run, "-o", "f", code=0)
    there.json("import", world.path / "f")
    assert there.show(run)["status"] == "suspended"
    (world.path / "ok").touch()
    assert there.json("fork", run, "--from", "b")["result"] == "out"


def change(file, *statements):
    sql = sqlite3.connect(file)
    for statement in statements:
        sql.execute(statement)
    sql.commit()
    sql.close()


HARM = {
    "a byte of a batch": ["UPDATE batches SET body = CAST(replace(CAST(body AS TEXT), 'one', 'two') AS BLOB)"],
    "a hash": ["UPDATE batches SET hash = zeroblob(32) WHERE position = (SELECT max(position) FROM batches)"],
    "a count": ["UPDATE batches SET count = count + 1 WHERE position = (SELECT min(position) FROM batches)"],
    "a position": ["UPDATE batches SET position = position + 1 WHERE position = (SELECT max(position) FROM batches)"],
    "a batch in the middle": ["DELETE FROM batches WHERE position = (SELECT position FROM batches LIMIT 1 OFFSET 1)"],
    "the last batch": ["DELETE FROM batches WHERE position = (SELECT max(position) FROM batches)"],
    "all batches": ["DELETE FROM batches"],
    "the plan": ["UPDATE plans SET bytes = CAST(replace(CAST(bytes AS TEXT), 'one', 'two') AS BLOB)"],
    "the plan's hash": ["UPDATE runs SET plan_hash = replace(plan_hash, 'a', 'b')"],
    "the status": ["UPDATE runs SET status = 'failed'"],
    "a status that is none": ["UPDATE runs SET status = 'x'"],
    "the run's name": ["UPDATE runs SET run = '../../x'"],
    "another name": ["UPDATE runs SET run = 'other'"],
    "the workflow": ["UPDATE runs SET workflow = 'other'"],
    "no run": ["DELETE FROM runs"],
    "two runs": ["INSERT INTO runs SELECT 99, 'other', workflow, status, started_ms, ended_ms, duration_ms, path,"
                 " plan_hash, plan, spec, origin FROM runs"],
    "an output": ["UPDATE outputs SET bytes = zeroblob(length(bytes))"],
    "an output's end": ["UPDATE outputs SET bytes = substr(bytes, 1, 10), hash ="
                        " x'0000000000000000000000000000000000000000000000000000000000000000'"],
    "no outputs": ["DELETE FROM outputs"],
    "an output's name": ["UPDATE outputs SET name = '../../../escaped'"],
    "one more output": ["INSERT INTO outputs SELECT run, '../escaped', 0, bytes, hash FROM outputs LIMIT 1"],
    "an output's place": ["UPDATE outputs SET at = at + 1"],
    "the list's JSON": ["UPDATE runs SET spec = '{'"],
    "the application": ["PRAGMA application_id = 1"],
    "a newer version": ["PRAGMA user_version = 1073741824"],
    "a table": ["DROP TABLE batches"],
    "a view": ["ALTER TABLE runs RENAME TO r", "CREATE VIEW runs AS SELECT * FROM r WHERE run = 'x'"],
}


@pytest.mark.parametrize("what", HARM)
def test_a_file_that_means_harm_is_refused_and_nothing_of_it_is_taken(world, there, what):
    run, file = send(world)
    before = there.run("value: 1")
    tree = sorted(p for p in there.path.rglob("*") if "actant.db" not in p.name)
    change(file, *HARM[what])
    done = there("import", file, code=3 if what == "a newer version" else 2)
    assert done.err.startswith(f"actant: {file}: error: ") and "--db" not in done.err, done.err
    assert ("with that actant" if what == "a newer version" else "`actant export RUN -o FILE`") in done.err
    assert [r["run"] for r in listed(there)] == [before["run"]]
    assert not (there.db.parent / "actant.db.d" / run).exists()
    assert sorted(p for p in there.path.rglob("*") if "actant.db" not in p.name) == tree
    assert not list(world.path.parent.rglob("escaped"))
    file.unlink()
    world("export", run, "-o", file, code=0)
    there("import", file, code=0)  # the whole one is taken after that


def test_what_is_no_export_is_refused(world, there):
    run, file = send(world)
    (there.path / "text").write_text("hello\n")
    (there.path / "empty").write_text("")
    whole = file.read_bytes()
    for size in (100, 4096, len(whole) // 2, len(whole) - 4096):
        (there.path / f"cut{size}").write_bytes(whole[:size])
    for name in [p.name for p in there.path.iterdir() if p.is_file() and p.name != "log"] + ["nothing", "."]:
        done = there("import", name, code=2)
        assert done.err.startswith(f"actant: {name}: error: "), done.err
        assert name == "nothing" or "`actant export RUN -o FILE`" in done.err, (name, done.err)
    assert "standard input: error: this is no" in there("import", "-", input=b"a: 1\n", code=2).err
    there.run("value: 1"), there.run("value: 2")
    sqlite3.connect(there.db).execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    done = there("import", there.db, code=2)
    assert done.err.startswith(f"actant: {there.db}: error: this is no exported run: there are several"), done.err
    assert len(listed(there)) == 2


def test_who_looks_into_the_file_for_a_large_output_is_told_to_import_it(world):
    run, file = send(world)
    remedy = f"`actant import {file}`"
    assert remedy in world("logs", run, "big", "--db", file, code=2).err
    assert remedy in world("history", "verify", run, "--db", file, code=1).err
    assert "import" not in world("logs", run, "nobody", code=2).err


def test_two_imports_at_once_are_one(world, there):
    """Who comes second waits, and takes nothing away from who was first."""
    world.json("run", world.write("group:\n- head -c 30000000 /dev/zero | tr '\\0' x\n"
                                  "- {run: 'mkdir -p out; head -c 3000000 /dev/zero > out/f', artifacts: {f: out}}\n"))
    world("export", "last", "-o", "f", code=0)
    both = [there.start("import", world.path / "f") for _ in range(2)]
    for process in both:
        there.end(process, 0)
    there("history", "verify", "last", code=0)
    assert len(listed(there)) == 1


def test_an_import_that_is_killed_leaves_nothing(world, there):
    run = world.json("run", world.write(
        "chain:\n- {id: a, run: 'truncate -s 32M f', artifacts: {f: f}}\n- echo done\n"))["run"]
    world("export", run, "-o", "sent", code=0)
    top = pathlib.Path(f"{there.db}.d")
    process = there.start("import", world.path / "sent")
    there.wait("a file that was brought", lambda: list(top.glob("*/artifacts/*/f/f")))
    process.kill()
    there.end(process)
    there("import", world.path / "sent", code=0)  # what the dead one left is not in its way
    there("history", "verify", run, code=0)
    there("history", "gc", "--keep", "0", code=0)
    assert not [one for one in top.iterdir() if one.name != "objects" and one.name != "python"]

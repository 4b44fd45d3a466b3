"""Artifacts: what a node leaves behind is kept by its content, however it ended, and belongs to its run."""

import hashlib
import pathlib
import signal

import pytest


def folder(world, run):
    return pathlib.Path(f"{world.db}.d") / run


def kept(world, run, node):
    """{NAME: {relative path: bytes}} of what a node keeps, by its listing; each file is what it says."""
    found = {}
    for name, one in world.node(node, run).get("artifacts", {}).items():
        within = pathlib.Path(one["path"]).relative_to(folder(world, run))
        top = folder(world, run).joinpath(*within.parts[:3])
        found[name] = {}
        for file in one["files"]:
            content = (top / file["path"]).read_bytes()
            assert hashlib.sha256(content).hexdigest() == file["sha256"]
            assert len(content) == file["bytes"]
            assert (top / file["path"]).stat().st_mode & 0o777 == file["mode"]
            found[name][file["path"]] = content
        assert sum(f["bytes"] for f in one["files"]) == one["bytes"]
    return found


BUILD = """
name: build
chain:
- id: make
  run: |
    mkdir -p out/deep; echo one > out/a.txt; echo two > out/deep/b.txt; echo three > out/c.log
    echo prog > prog; chmod +x prog
  artifacts: {site: out, prog: prog, text: 'out/**/*.txt'}
- run: |
    cat ${{ nodes.make.artifacts.site }}/deep/b.txt ${{ nodes.make.artifacts.prog }}
    cd ${{ nodes.make.artifacts.text }} && find . -type f | sort
"""


def test_what_a_node_leaves_is_kept_and_read(world):
    done = world.run(BUILD)
    assert done["result"] == "two\nprog\n./out/a.txt\n./out/deep/b.txt"
    assert kept(world, done["run"], "make") == {
        "site": {"a.txt": b"one\n", "c.log": b"three\n", "deep/b.txt": b"two\n"},
        "prog": {"prog": b"prog\n"},
        "text": {"out/a.txt": b"one\n", "out/deep/b.txt": b"two\n"},
    }
    assert f"artifact site: {folder(world, done['run'])}/artifacts/" in world("history", "show", done["run"], code=0).out
    world("history", "verify", done["run"], code=0)


def test_explain_lists_them(world):
    run = world.run(BUILD)["run"]
    shown = world.node("make", run)["artifacts"]
    text = world("explain", run, "make", code=0).out
    for name, files, size in (("site", "3 files", 14), ("prog", "1 file", 5), ("text", "2 files", 8)):
        assert f"  artifact {name}: {shown[name]['path']}, {files}, {size} bytes\n" in text
    assert world.json("explain", run, "make")["artifacts"] == shown
    assert "artifacts" not in world.json("explain", run, "chain[1]")
    assert "artifact" not in world("explain", run, "chain[1]", code=0).out


def test_content_is_kept_once(world):
    first, second = world.run(BUILD)["run"], world.run(BUILD)["run"]
    files = [f for run in (first, second) for f in folder(world, run).rglob("a.txt")]
    assert len(files) == 4 and len({f.stat().st_ino for f in files}) == 1
    assert files[0].stat().st_nlink == 5  # and its object
    source = world.path / "out" / "a.txt"
    assert source.stat().st_nlink == 1 and source.stat().st_mode & 0o200  # the user's file is his own
    source.write_text("changed")
    world("history", "verify", first, code=0)


def test_a_failed_node_keeps_what_is_there(world):
    flow = ("chain:\n- {id: a, run: 'echo why > report; exit 3', "
            "artifacts: {report: report, none: nothing}}")
    done = world.run(flow, code=1)
    assert done["error"]["cause"] == "exit" and done["error"]["exit_code"] == 3
    assert kept(world, done["run"], "a") == {"report": {"report": b"why\n"}}


def test_what_matches_nothing_fails_the_node(world):
    done = world.run("chain:\n- {id: a, run: 'true', artifacts: {lost: 'no/*.txt'}}", code=1)
    assert done["error"]["cause"] == "output"
    assert "'no/*.txt'" in done["error"]["message"] and str(world.path) in done["error"]["message"]


HOSTILE = [
    ("mkfifo pipe", "pipe", "neither a file nor a folder"),
    ("ln -s /etc/hostname link", "link", "leads out of the node's folder"),
    ("mkdir d; ln -s /etc/hostname d/link", "d", "leads out of the node's folder"),
    ("ln -s nowhere link", "link", "leads nowhere"),
    ("true", "${{ '../x' }}", "leads out of the node's folder"),
    ("true", "${{ '/etc/hostname' }}", "relative to the node's folder"),
    ("ln -s /etc out", "out/hostname", "out: it is a symbolic link"),
    ("ln -s /etc out", "out/host*", "out: it is a symbolic link"),
    ("ln -s /etc out", "out/.", "out: it is a symbolic link"),
    ("ln -s /etc out", "out/", "leads out of the node's folder"),
    ("ln -s /etc out", "out/none", "out: it is a symbolic link"),
    ("mkdir d e; ln -s ../e d/l; touch e/f", "d/l/f", "d/l: it is a symbolic link"),
    ("mkdir d e; ln -s ../e d/l; touch e/f", "d/l/**/f", "d/l: it is a symbolic link"),
    ("mkdir d; printf x > \"d/$(printf '\\377')\"", "d", "no UTF-8"),
]


@pytest.mark.parametrize("script, path, message", HOSTILE)
def test_hostile_names_are_refused(world, script, path, message):
    text = f"chain:\n- id: a\n  run: |\n    {script}\n  artifacts: {{x: \"{path}\"}}\n"
    done = world.run(text, code=1)
    assert done["error"]["cause"] == "output" and message in done["error"]["message"]
    assert kept(world, done["run"], "a") == {}


@pytest.mark.parametrize("path", ["/etc", "..", "../x", "a/../b", "a/.."])
def test_a_path_that_leads_out_does_not_compile(world, path):
    flow = world.write(f"run: touch ran\nartifacts: {{x: '{path}'}}\n")
    assert "below the node's folder" in world("validate", flow, code=2).out
    world("run", flow, code=2)
    assert not (world.path / "ran").exists()


def test_two_dots_in_a_name_are_fine(world):
    run = world.run("run: echo x > a..b; mkdir ..c; echo x > ..c/d..\n"
                    "artifacts: {x: a..b, y: ..c/d..}\n")["run"]
    assert set(kept(world, run, "")) == {"x", "y"}


def test_what_is_no_file_is_left_out_of_a_folder(world):
    done = world.run("chain:\n- {id: a, run: 'mkdir d; mkfifo d/p; echo x > d/f; ln -s f d/l', "
                     "artifacts: {d: d}}")
    assert kept(world, done["run"], "a") == {"d": {"f": b"x\n", "l": b"x\n"}}


def test_many_files_and_holes(world):
    done = world.run("chain:\n- id: a\n  run: |\n    mkdir d; cd d; seq 1 2000 | split -l 1 -a 4 -d -\n"
                     "    truncate -s 16M hole; echo end >> hole\n  artifacts: {d: d}")
    files = world.node("a", done["run"])["artifacts"]["d"]["files"]
    assert len(files) == 2001
    hole = folder(world, done["run"]).rglob("hole").__next__()
    assert hole.stat().st_size == (16 << 20) + 4 and hole.stat().st_blocks * 512 < 1 << 20
    world("history", "verify", done["run"], code=0)


def test_each_attempt_has_its_own_and_the_last_one_counts(world):
    flow = ("chain:\n- {id: a, run: 'echo $ACTANT_ATTEMPT > f; [ $ACTANT_ATTEMPT = 3 ]', retry: 2, "
            "artifacts: {f: f}}\n- cat ${{ nodes.a.artifacts.f }}")
    done = world.run(flow)
    assert done["result"] == "3"
    assert sorted(f.read_text() for f in folder(world, done["run"]).rglob("f/f")) == [
        "1\n", "2\n", "3\n"]


def test_composites_loops_and_calls(world):
    flow = """
tasks:
  pack: {run: 'echo packed > p', artifacts: {p: p}}
chain:
- id: box
  group: [{run: 'mkdir -p o; echo 1 > o/1'}, {run: 'mkdir -p o; echo 2 > o/2'}]
  artifacts: {all: o}
- {for: [a, b], do: {run: 'echo $I > $I', env: {I: '${{ item }}'}, artifacts: {it: '${{ item }}'}}}
- {id: packed, task: pack}
- cat ${{ nodes.box.artifacts.all }}/1 ${{ nodes.box.artifacts.all }}/2 ${{ nodes.packed.artifacts.p }}
"""
    done = world.run(flow)
    assert done["result"] == "1\n2\npacked"
    loops = [n["artifacts"]["it"]["files"] for n in world.show()["nodes"] if "do[" in n["path"]]
    assert [f[0]["path"] for f in loops] == ["a", "b"]


def test_verify_finds_damage(world):
    run = world.run(BUILD)["run"]
    file = next(folder(world, run).rglob("prog/prog"))
    file.chmod(0o755)
    file.write_text("PROG\n")
    failed = world("history", "verify", run, code=1)
    assert "holds something else" in failed.out + failed.err
    world.damaged = True


def test_a_damaged_object_is_not_shared(world):
    """Only the damaged file itself is wrong: who makes that content again has it right."""
    flow = "chain:\n- {id: a, run: 'printf good-content > f', artifacts: {f: f}}\n- cat ${{ nodes.a.artifacts.f }}"
    first = world.run(flow)
    file = next(folder(world, first["run"]).rglob("f/f"))
    file.chmod(0o644)
    with file.open("r+b") as out:
        out.write(b"EVIL-content")  # in place: the object is the same file
    second = world.run(flow)
    assert second["result"] == first["result"] == "good-content"
    assert kept(world, second["run"], "a") == {"f": {"f": b"good-content"}}
    third = world.run(flow)["run"]
    files = [next(folder(world, run).rglob("f/f")) for run in (second["run"], third)]
    assert files[0].samefile(files[1]) and not list(file.parent.glob("*~"))
    world("history", "verify", third, code=0)
    world("history", "verify", first["run"], code=1)
    world.damaged = True


def test_a_damaged_one_is_not_forked(world):
    first = world.run(BUILD)["run"]
    file = next(folder(world, first).rglob("site/a.txt"))
    file.chmod(0o644)
    with file.open("r+b") as out:
        out.write(b"ONE")
    failed = world("fork", first, "--from", "chain[1]", code=3)
    assert "site/a.txt" in failed.err and first in failed.err and "history verify" in failed.err
    assert [r["run"] for r in world.json("history", "list")["runs"]] == [first]
    fork = world.json("fork", first, "--from", "make")
    assert fork["result"] == "two\nprog\n./out/a.txt\n./out/deep/b.txt"
    world("history", "verify", fork["run"], code=0)
    world.damaged = True


def left(world):
    """Folders below the database's one that belong to no run, and marks."""
    top = pathlib.Path(f"{world.db}.d")
    runs = {r["run"] for r in world.json("history", "list")["runs"]}
    return {f.name for f in top.iterdir()} - runs - {"objects"}


def test_a_fork_that_fails_leaves_nothing(world):
    first = world.run(BUILD)["run"]
    next(folder(world, first).rglob("text/out/deep/b.txt")).unlink()  # the last one that is brought
    failed = world("fork", first, "--from", "chain[1]", code=3)
    assert "deep/b.txt" in failed.err and left(world) == set()
    world("fork", first, "--from", "chain[1]", "--detach", code=3)
    world("history", "gc", "--keep", "0", code=0)
    assert left(world) == set() and not folder(world, first).exists()
    world.damaged = True


def test_a_fork_that_is_killed_leaves_nothing(world):
    """While it brings what it takes over, most likely; whenever it is, a folder belongs to a run or goes."""
    first = world.run("chain:\n- {id: a, run: 'truncate -s 128M f', artifacts: {f: f}}\n- echo done\n")["run"]
    top = pathlib.Path(f"{world.db}.d")
    process = world.start("fork", first, "--from", "chain[1]")
    world.wait("a file that was brought", lambda: len(list(top.glob("*/artifacts/*/f/f"))) > 1)
    process.kill()
    world.end(process)
    world("history", "gc", "--keep", "0", code=0)
    assert left(world) == set()


def test_a_fork_has_its_own(world):
    first = world.run(BUILD)["run"]
    fork = world.json("fork", first, "--from", "chain[1]")
    assert fork["result"] == world.json("attach", first)["result"]
    assert kept(world, fork["run"], "make") == kept(world, first, "make")
    world("history", "gc", "--keep", "1", code=0)
    assert not folder(world, first).exists()
    kept(world, fork["run"], "make")
    world("history", "verify", fork["run"], code=0)


def test_content_goes_with_the_last_run_that_has_it(world):
    big = "chain:\n- {id: a, run: 'head -c 300000 /dev/zero | tr \\\\0 x > f', artifacts: {f: f}}"
    first, second = world.run(big)["run"], world.run(big)["run"]
    objects = pathlib.Path(f"{world.db}.d") / "objects"
    assert len(list(objects.iterdir())) == 1
    assert world.json("history", "gc", "--keep", "1", "--dry-run")["removed"] == [first]
    assert len(list(objects.iterdir())) == 1
    world("history", "gc", "--keep", "1", code=0)
    assert len(list(objects.iterdir())) == 1
    world("history", "verify", second, code=0)
    assert world.json("history", "gc", "--keep", "0", "--older-than", "0s", "--dry-run")[
        "bytes"] > 300000
    world("history", "gc", "--keep", "0", "--older-than", "0s", code=0)
    assert list(objects.iterdir()) == []


def test_a_kill_between_end_and_collection(world):
    """The task has ended, its files are being read: the engine dies there, and the run goes on."""
    flow = world.write("chain:\n- {id: a, run: 'echo x >> ran; truncate -s 96M f; echo end >> f', "
                       "artifacts: {f: f, ran: ran}}\n- wc -c < ${{ nodes.a.artifacts.f }}\n")
    process = world.start("run", flow)
    top = pathlib.Path(f"{world.db}.d")
    world.wait("a copy that has begun", lambda: list(top.rglob("f/f")) if top.exists() else [])
    process.kill()
    world.end(process)
    run = world.json("history", "list")["runs"][0]["run"]
    done = world.json("resume", run)
    assert done["result"] == str((96 << 20) + 4)
    assert (world.path / "ran").read_text() == "x\n"
    assert kept_names(world, run) == {"f", "ran"}
    world("history", "verify", run, code=0)


def kept_names(world, run):
    return set(world.node("a", run)["artifacts"])


def test_a_suspension_while_it_is_collected(world):
    flow = world.write("chain:\n- {id: a, run: 'truncate -s 96M f', artifacts: {f: f}}\n"
                       "- 'until [ -e go ]; do sleep 0.02; done; echo done'\n")  # it is not over before the signal
    process = world.start("run", flow)
    top = pathlib.Path(f"{world.db}.d")
    world.wait("a copy that has begun", lambda: list(top.rglob("f/f")) if top.exists() else [])
    process.send_signal(signal.SIGINT)
    world.end(process, code=130)
    (world.path / "go").touch()
    run = world.json("history", "list")["runs"][0]["run"]
    assert world.json("resume", run)["result"] == "done"
    world("history", "verify", run, code=0)


def test_without_history_they_last_as_long_as_the_run(world):
    done = world.run(BUILD, "--no-history")
    assert done["result"].startswith("two\nprog")
    assert not list(world.path.rglob("prog/prog"))


def test_a_detached_run_keeps_them(world):
    run = world.json("run", world.write(BUILD), "--detach")["run"]
    assert world.json("attach", run)["result"].startswith("two")
    assert set(kept(world, run, "make")) == {"site", "prog", "text"}


def test_a_run_as_one_file_carries_them(world):
    run = world.run(BUILD)["run"]
    crate, other = world.path / "run.actant", world.path / "other" / "x.db"
    world("export", run, "-o", crate, code=0)
    there = {"ACTANT_DB": str(other)}
    world("import", crate, env=there, code=0)
    world("history", "verify", run, env=there, code=0)
    files = [f for f in pathlib.Path(f"{other}.d").rglob("a.txt")]
    assert [f.read_text() for f in files] == ["one\n", "one\n"] and files[0].stat().st_nlink == 3
    fork = world.json("fork", run, "--from", "chain[1]", env=there)
    assert fork["status"] == "succeeded"


def test_a_damaged_one_is_neither_sent_nor_taken(world):
    run = world.run(BUILD)["run"]
    crate = world.path / "run.actant"
    world("export", run, "-o", crate, code=0)
    content = crate.read_bytes()
    assert content.count(b"three\n") == 1
    crate.write_bytes(content.replace(b"three\n", b"thr33\n"))
    other = world.path / "other" / "x.db"
    failed = world("import", crate, env={"ACTANT_DB": str(other)})
    assert failed.returncode not in (0, None) and not list(pathlib.Path(f"{other}.d").glob("*/artifacts"))
    next(folder(world, run).rglob("prog/prog")).unlink()
    failed = world("export", run, "-o", world.path / "again")
    assert failed.returncode != 0 and "is not there" in failed.err
    world.damaged = True


def test_an_unknown_name_does_not_compile(world):
    flow = BUILD.replace("artifacts.prog }}", "artifacts.porg }}")
    failed = world("run", world.write(flow), code=2)
    assert "has no artifact 'porg'" in failed.err and "did you mean 'prog'?" in failed.err

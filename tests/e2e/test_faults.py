"""Databases that are not as they should be, full disks, much output, and what a hello costs."""

import contextlib
import fcntl
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess

import pytest

from conftest import ACTANT

SANITIZED = bool(os.environ.get("ACT_SANITIZE"))


def test_a_foreign_database(world):
    world.damaged = True
    world.db.parent.mkdir(parents=True)
    con = sqlite3.connect(world.db)
    con.execute("create table t (x)")
    con.commit()
    con.close()
    before = world.db.read_bytes()
    done = world("run", world.write("run: touch made"), code=3)
    assert str(world.db) in done.err and "help:" in done.err
    assert world.db.read_bytes() == before and not (world.path / "made").exists()


def test_a_file_that_is_no_database(world):
    world.damaged = True
    world.db.parent.mkdir(parents=True)
    world.db.write_bytes(b"not a database at all, " * 500)
    done = world("run", world.write("run: echo hi"), code=3)
    assert str(world.db) in done.err


def test_a_newer_database(world):
    world.run("value: 1")
    con = sqlite3.connect(world.db)
    version, = con.execute("pragma user_version").fetchone()
    con.execute(f"pragma user_version = {version + 1000000}")
    con.commit()
    con.close()
    done = world("run", world.write("run: echo hi"), code=3)
    assert "newer" in done.err


def test_a_corrupt_database(world):
    world.damaged = True
    for _ in range(5):
        world.run("for: ${{ range(50) }}\ndo: {run: echo hi}\n")
    with open(world.db, "r+b") as file:
        size = file.seek(0, 2)
        for offset in range(8192, size - 100, 4096):
            file.seek(offset)
            file.write(b"\xa5" * 64)
    done = world("run", world.write("run: echo hi"), "--json")
    assert done.returncode in (0, 3)
    shown = world("history", "list", "--json")
    assert shown.returncode in (0, 3) and "Sanitizer" not in shown.err
    assert shown.returncode == 0 or "corrupt" in shown.err or "malformed" in shown.err


def test_a_changed_batch_is_found(world):
    world.damaged = True
    run = world.run("for: ${{ range(20) }}\ndo: {run: echo hi}\n")["run"]
    con = sqlite3.connect(world.db)
    tables = [t for t, in con.execute("select name from sqlite_master where type = 'table'")]
    name = next(t for t in tables if "batch" in t)
    column = [c[1] for c in con.execute(f"pragma table_info({name})") if c[1] == "body"][0]
    row, body = con.execute(f"select rowid, {column} from {name} order by rowid limit 1").fetchone()
    con.execute(f"update {name} set {column} = ? where rowid = ?", (body[:-1] + bytes([body[-1] ^ 1]), row))
    con.commit()
    con.close()
    done = world("history", "verify", run, code=1)
    assert "damaged" in done.err and run in done.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes anywhere")
def test_a_read_only_database(world):
    world.run("value: 1")
    world.db.parent.chmod(0o555)
    world.db.chmod(0o444)
    try:
        assert "read" in world("run", world.write("run: echo hi"), code=3).err
        world("history", "list", code=0)
    finally:
        world.db.parent.chmod(0o755)


def test_a_database_in_a_place_that_cannot_be(world):
    done = world("run", world.write("run: echo hi"), "--db", "/proc/nowhere/x.db", code=3)
    assert "/proc/nowhere" in done.err


@contextlib.contextmanager
def small_disk(world, size):
    """The database lies on a file system of its own."""
    small = world.path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", small]).returncode != 0:
        pytest.skip("no tmpfs here")
    world.env["ACTANT_DB"] = str(small / "actant.db")
    try:
        yield small
    finally:
        subprocess.run(["umount", "-l", small])


needs_mount = pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("mount"), reason="needs a file system of its own")


@needs_mount
def test_a_full_disk(world):
    with small_disk(world, "6m"):
        flow = world.write("chain:\n- {id: a, run: echo first}\n- {id: fill, run: head -c 20000000 /dev/zero | tr '\\0' x}\n"
                           "- {id: c, run: echo third}\n")
        done = world("run", flow, "--json")
        assert done.returncode in (1, 3)
        assert "space" in (done.err + done.out) or "full" in (done.err + done.out)
        assert world.node("a")["status"] == "succeeded"


@needs_mount
def test_a_full_disk_leaves_nothing_of_a_run_in_the_background(world):
    with small_disk(world, "4m") as small:
        flow = world.write("run: echo hi")
        world("run", flow, code=0)
        for room in (0, 4096):
            (small / "actant.db.reserve").unlink(missing_ok=True)
            with open(small / "fill", "wb", buffering=0) as fill, contextlib.suppress(OSError):
                while fill.write(bytes(4096)):
                    pass
            os.truncate(small / "fill", (small / "fill").stat().st_size - room)
            done = world("run", flow, "--detach", code=3)
            assert "space" in done.err and "help:" in done.err, done.err
            assert not list(small.glob("actant.db.d/*"))
            (small / "fill").unlink()
        assert len(world.json("history", "list")["runs"]) == 1
        assert world("run", flow, code=0)


def peak_rss(args, env, cwd):
    """Of the program alone: what it started is not counted."""
    script = ("import os, sys; pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ);"
              "_, status, usage = os.wait4(pid, 0); print(usage.ru_maxrss, os.waitstatus_to_exitcode(status))")
    done = subprocess.run(["python3", "-c", script, ACTANT, *args], env=env, cwd=cwd, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    rss, code = done.stdout.split()[-2:]
    return int(rss) * 1024, int(code)


@pytest.mark.skipif(SANITIZED, reason="sanitizers have memory of their own")
@pytest.mark.parametrize("mode", ["none", "text"])
def test_a_gigabyte_of_output_in_little_memory(world, mode):
    if shutil.disk_usage(world.path).free < 3 << 30:
        pytest.skip("too little room")
    size = 1 << 30 if mode == "none" else 300 << 20
    flow = world.write(f"{{run: head -c {size} /dev/zero | tr '\\0' 'x', output: {mode}}}")
    rss, code = peak_rss(["run", str(flow), "-q"], world.env, world.path)
    assert code == 0 and rss < 50 << 20, f"{rss >> 20} MiB"
    if mode == "none":
        log = subprocess.run([ACTANT, "logs", "last"], env=world.env, capture_output=True).stdout
        assert (60 << 20) < len(log) < (70 << 20) and b"limit" in log[-400:]
    else:
        rss, code = peak_rss(["resume", "last", "--json", "-q"], world.env, world.path)
        assert code == 0 and rss < 50 << 20, f"{rss >> 20} MiB"


def test_a_line_of_many_megabytes(world):
    doc = world.run("{run: 'head -c 9000000 /dev/zero | tr \"\\0\" y', output: lines}")
    assert doc["result"] == ["y" * 9000000]


@pytest.mark.skipif(not shutil.which("strace") or SANITIZED, reason="needs strace")
def test_a_hello_makes_no_fsync(world):
    flow = world.write("run: echo hello")
    for _ in range(2):  # a new database, and one that is there
        trace = world.path / "trace"
        done = subprocess.run(["strace", "-f", "-qq", "-o", trace, "-e",
                               "trace=fsync,fdatasync,sync,syncfs,sync_file_range,msync", ACTANT, "run", flow],
                              env=world.env, capture_output=True)
        if b"ptrace" in done.stderr:
            pytest.skip("no ptrace here")
        assert done.returncode == 0, done.stderr
        calls = [line for line in trace.read_text().splitlines() if "sync" in line]
        assert calls == []


def test_no_history_keeps_nothing(world):
    flow = world.write("run: seq 1 100000")
    doc = world.json("run", flow, "--no-history")
    assert doc["result"].endswith("\n100000")
    assert not world.db.exists()
    assert list(world.path.glob("actant-*/*")) == []


def test_the_default_place(world):
    del world.env["ACTANT_DB"]
    world.env.pop("XDG_STATE_HOME", None)
    world.run("value: 1")
    assert (world.path / ".local/state/actant/actant.db").exists()
    world.env["XDG_STATE_HOME"] = str(world.path / "xdg")
    world.run("value: 1")
    assert (world.path / "xdg/actant/actant.db").exists()



def test_a_locked_database_names_who_holds_it(world):
    world.run("value: 1")
    lock = pathlib.Path(f"{world.db}.lock")
    with open(lock, "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(f"{os.getpid()}\n".ljust(12).encode())
        file.flush()
        done = world("run", world.write("run: echo hi"), code=3)
        assert str(os.getpid()) in done.err and str(world.db) in done.err
        world("history", "list", code=0)  # readers wait for nobody
    world.json("run", world.write("run: echo hi"))


@pytest.mark.skipif(SANITIZED, reason="70 MB of log; tests/engine/io/sqlite/wal_alarm_test.c runs everywhere")
def test_a_reader_that_stays_is_named(world):
    """Fault 13: the WAL grows under it, which is said with its pid; then it starts over, and nothing is lost."""
    world.run("value: 1")
    wal = pathlib.Path(f"{world.db}-wal")
    reader = sqlite3.connect(world.db)
    reader.execute("begin")
    reader.execute("select count(*) from runs").fetchone()
    much = world.write("chain:\n" + "- for: ${{ range(20) }}\n"
                       "  do: {value: '${{ join(range(11000)) }}'}\n" * 70)
    done = world("run", much, "-q", code=0)
    assert wal.stat().st_size > 64 << 20
    told = [line for line in done.err.splitlines() if "-wal has grown to" in line]
    assert len(told) == 1 and str(wal) in told[0], done.err
    assert f"process {os.getpid()} (" in told[0]
    reader.close()
    assert "-wal" not in world("run", world.write("run: echo hi"), code=0).err
    assert wal.stat().st_size < 1 << 20
    world("history", "verify", world.last_run(), code=0)


def test_closed_standard_streams_do_no_harm(world):
    flow = world.write("run: echo out; echo err >&2")
    done = subprocess.run(["sh", "-c", f'"{ACTANT}" run "{flow}" <&- >&- 2>&-'], env=world.env)
    assert done.returncode == 0
    world("history", "verify", "last", code=0)
    assert world.show()["result"] == "out"


def test_nohup_goes_on(world):
    process = subprocess.Popen(["nohup", ACTANT, "run", world.write(
        "run: 'touch up; while [ ! -e go ]; do sleep 0.02; done; echo done'"), "--json"], env=world.env,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=world.path)
    world.started.append(process)
    world.wait_file("up")
    process.send_signal(signal.SIGHUP)
    (world.path / "go").touch()
    assert '"result":"done"' in world.end(process, 0)[0]


OUTPUT = "{id: a, run: 'echo x=1 >> $ACTANT_OUTPUT; dirname $ACTANT_OUTPUT > where'}"


@pytest.mark.parametrize("taken", ["link", "open folder", "file", ""])
def test_the_folder_of_short_lived_files_is_nobody_elses(world, taken):
    name, elsewhere = world.path / f"actant-scratch-{os.geteuid()}", world.path / "elsewhere"
    elsewhere.mkdir()
    if taken == "link":
        name.symlink_to(elsewhere)
    elif taken == "open folder":
        name.mkdir()
        name.chmod(0o777)
    elif taken == "file":
        name.write_text("")
    world.run(OUTPUT)
    assert world.node("a")["outputs"] == {"x": "1"}
    used = pathlib.Path((world.path / "where").read_text().strip())
    assert (used == name) == (taken == "") and used.stat().st_mode & 0o777 == 0o700
    assert not list(elsewhere.iterdir()) and not list(used.iterdir())

"""`--events FILE`: what happens to a run as lines of JSON, at least once, and never at the run's cost."""

import json
import os
import signal

import pytest

from conftest import ACTANT  # noqa: F401

FLOW = "chain:\n- run: echo one\n- id: t\n  run: echo two\n- for: [1, 2, 3]\n  do: {run: 'true'}\n"


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines() if line]


def stored(world, run):
    out = world("history", "events", run, "--json", code=0).out
    return [{"run": run, **json.loads(line)} for line in out.splitlines()]


def assert_all_there(world, path, run):
    """At least once: every event of the history, and each line is one of them. The end may come early."""
    got = [line for line in lines(path) if line["run"] == run]
    expected = stored(world, run)
    assert {line["seq"] for line in got} == {line["seq"] for line in expected}
    by_seq = {line["seq"]: line for line in expected}
    for line in got:
        assert line == by_seq[line["seq"]]
    return got


def test_each_event_once_and_in_order_but_for_the_end(world):
    file = world.path / "events.jsonl"
    run = json.loads(world("run", world.write(FLOW), "--json", "--events", "events.jsonl", code=0).out)["run"]
    got = assert_all_there(world, file, run)
    seqs = [line["seq"] for line in got if line["type"] != "run_ended"]
    assert seqs == sorted(set(seqs)) and len(got) == len(seqs) + 1


def test_many_runs_share_a_file_and_rerun_goes_on_with_it(world):
    file = world.path / "events.jsonl"
    (world.path / "actant.toml").write_text('events = ["events.jsonl"]\n')
    flow = world.write(FLOW)
    started = [world.start("run", flow, "--json") for _ in range(3)]
    runs = [json.loads(world.end(process, 0)[0])["run"] for process in started]
    (world.path / "actant.toml").unlink()
    runs.append(json.loads(world("rerun", runs[0], "--json", code=0).out)["run"])
    for run in runs:
        assert len(assert_all_there(world, file, run)) == len(stored(world, run))


@pytest.mark.parametrize("level", ["process", "power"])
def test_after_a_kill_resume_sends_what_is_missing(world, level):
    world.env["ACTANT_DURABILITY"] = level
    file = world.path / "events.jsonl"
    flow = world.write("chain:\n- for: ${{ range(40) }}\n  do: {run: 'true'}\n- run: touch up; sleep 1000\n"
                       "  timeout: 1000s\n- run: echo end\n")
    process = world.start("run", flow, "--events", str(file))
    world.wait_file("up")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    run = world.last_run()
    world.env["PATH"] = f"{world.path}/bin:{world.env['PATH']}"
    (world.path / "bin").mkdir()
    (world.path / "bin" / "sleep").write_text("#!/bin/sh\n")
    (world.path / "bin" / "sleep").chmod(0o755)
    world("resume", run, code=0)
    got = assert_all_there(world, file, run)
    assert len(got) <= 2 * len(stored(world, run))


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_a_full_disk_is_said_once_and_harms_nothing(world):
    done = world("run", world.write(FLOW), "--json", "--events", "/dev/full", code=0)
    run = json.loads(done.out)["run"]
    assert done.err.count("cannot be written to /dev/full: No space left on device") == 1
    count = len(stored(world, run))
    assert f"{count} events of the run are not in /dev/full; `actant resume {run}` sends them again" in done.err
    world("history", "verify", run, code=0)


def test_a_place_that_is_missing_gets_all_once_it_is_there(world):
    file = world.path / "later" / "events.jsonl"
    done = world("run", world.write(FLOW), "--json", "--events", str(file), code=0)
    run = json.loads(done.out)["run"]
    assert "No such file or directory" in done.err
    file.parent.mkdir()
    again = world("resume", run, "--json", code=0)
    assert json.loads(again.out)["run"] == run and "events" not in again.err
    assert len(assert_all_there(world, file, run)) == len(stored(world, run))
    world("resume", run, "--json", code=0)  # and nothing twice
    assert len(lines(file)) == len(stored(world, run))


def test_a_pipe_that_nobody_reads_holds_nothing_up(world):
    pipe = world.path / "pipe"
    os.mkfifo(pipe)
    done = world("run", world.write(FLOW), "--events", str(pipe), code=0)
    assert "cannot be written" in done.err


def test_a_reader_that_is_slow_gets_the_rest_from_the_history(world):
    """The pipe is full long before the run is over; the run is not held up, and nothing is lost."""
    pipe, copy = world.path / "pipe", world.path / "copy"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    flow = world.write("chain:\n- for: ${{ range(300) }}\n  do: {run: 'true'}\n- run: echo end\n")
    done = world("run", flow, "--json", "--events", str(pipe), "-j", "4", code=0)
    run = json.loads(done.out)["run"]
    assert "Resource temporarily unavailable" in done.err and "sends them again" in done.err
    for _ in range(100):
        with open(copy, "ab") as out:
            while True:
                try:
                    part = os.read(reader, 1 << 20)
                except BlockingIOError:
                    break
                if not part:
                    break
                out.write(part)
        if "events" not in world("resume", run, code=0).err:
            break
    with open(copy, "ab") as out:
        try:
            out.write(os.read(reader, 1 << 20))
        except BlockingIOError:
            pass
    os.close(reader)
    seqs = set()
    for line in copy.read_text().splitlines():
        try:
            seqs.add(json.loads(line)["seq"])
        except ValueError:
            pass  # cut, and sent again
    assert seqs == {line["seq"] for line in stored(world, run)}


def test_without_history(world):
    file = world.path / "events.jsonl"
    world("run", world.write(FLOW), "--no-history", "--events", str(file), code=0)
    seqs = sorted(line["seq"] for line in lines(file))
    assert seqs == list(range(1, len(seqs) + 1)) and len(seqs) > 10


def test_in_the_background(world):
    file = world.path / "events.jsonl"
    done = world("run", world.write(FLOW), "--detach", "--json", "--events", "events.jsonl", code=0)
    run = json.loads(done.out)["run"]
    world.wait("its end", lambda: file.exists() and any(e["type"] == "run_ended" for e in lines(file)))
    world.wait("all of it", lambda: len(lines(file)) == len(stored(world, run)))
    assert_all_there(world, file, run)


def test_where_a_url_is_meant(world):
    done = world("run", world.write(FLOW), "--events", "https://example.org/hook", code=2)
    assert "not supported yet" in done.err and not list(world.path.glob("https*"))

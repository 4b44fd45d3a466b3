"""Every file under examples/workflows runs, and its answer is worked out again here, independently."""

import csv
import collections
import gzip
import hashlib
import json
import os
import pathlib
import re
import sqlite3
import subprocess
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples" / "workflows"
ACTANT = os.environ.get("ACTANT", str(ROOT / "build" / "release" / "actant"))
PATIENCE_S = 300  # a bound for what hangs, not a measure


@pytest.fixture
def env(tmp_path):
    kept = {k: v for k, v in os.environ.items() if k not in ("CI", "GITHUB_ACTIONS")}
    return {**kept, "ACTANT_DB": str(tmp_path / "actant.db"), "TMPDIR": str(tmp_path)}


def actant(env, *args):
    return subprocess.run([ACTANT, *args], env=env, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=PATIENCE_S)


def run(env, name, *params, expect=0):
    """Runs an example; gives its document."""
    flags = [flag for param in params for flag in ("-p", param)]
    done = actant(env, "run", str(EXAMPLES / name), "--json", *flags)
    assert done.returncode == expect, done.stderr
    return json.loads(done.stdout)


def wait_for(what, condition):
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"never came: {what}")


def test_every_example_is_tested_here():
    text = pathlib.Path(__file__).read_text()
    for path in EXAMPLES.glob("*.yaml"):
        assert f'"{path.name}"' in text, f"{path.name} has no test"


@pytest.mark.parametrize("path", sorted(EXAMPLES.rglob("*.yaml")), ids=lambda p: p.name)
def test_validates_without_a_word(env, path):
    done = actant(env, "validate", str(path))
    assert done.returncode == 0, done.stderr + done.stdout


def test_report(env):
    folder = pathlib.Path(env.get("TMPDIR", "/tmp"))
    done = run({**env, "TMPDIR": str(folder)}, "report.yaml")
    assert done["outputs"] == {"suites": 3}
    shown = json.loads(actant(env, "history", "show", done["run"], "--json").stdout)
    kept = {n["id"]: n.get("artifacts") for n in shown["nodes"]}["tests"]["reports"]
    assert [f["path"] for f in kept["files"]] == ["loop.txt", "parser.txt", "store.txt"]
    assert kept["bytes"] == len("parser passed\nstore passed\nloop passed\n")


def test_cached(env):
    first, second = run(env, "cached.yaml"), run(env, "cached.yaml")
    assert first["result"] == second["result"]
    shown = json.loads(actant(env, "history", "show", second["run"], "--json").stdout)
    node = {n["id"]: n for n in shown["nodes"]}["words"]
    assert node["cause"] == {"kind": "cache"} and node["cache"]["hit"]["run"] == first["run"]


def orders():
    with open(EXAMPLES / "data" / "orders.csv", newline="") as file:
        return list(csv.DictReader(file))


def test_etl(env):
    rejected, regions = 0, collections.defaultdict(lambda: [0, 0, 0])
    rows = orders()
    for row in rows:
        region = row["region"].strip().lower()
        if not region or not re.fullmatch(r"\d+", row["quantity"]) or \
                not re.fullmatch(r"\d+\.\d\d", row["unit_price"]):
            rejected += 1
            continue
        sums = regions[region]
        if row["status"] == "shipped":
            sums[0] += 1
            sums[2] += int(row["quantity"]) * int(row["unit_price"].replace(".", ""))
        elif row["status"] == "returned":
            sums[1] += 1
    assert len(rows) >= 10000 and rejected > 0
    document = run(env, "etl.yaml")
    names = ["north", "south", "east", "west", "islands"]
    assert document["result"] == {
        "rows": len(rows) - rejected,
        "rejected": rejected,
        "regions": [{"region": name, "orders": regions[name][0], "returned": regions[name][1],
                     "revenue_cents": regions[name][2]} for name in names],
    }
    assert document["outputs"] == {"rows": len(rows) - rejected, "rejected": rejected}


def test_etl_refuses_another_file(env, tmp_path):
    other = tmp_path / "other.csv"
    other.write_text("a,b\n1,2\n")
    document = run(env, "etl.yaml", f"orders={other}", expect=1)
    assert document["error"]["node"] == "extract" and document["error"]["cause"] == "exit"


def test_wordcount(env):
    counts = collections.Counter()
    for path in pathlib.Path("/usr/share/common-licenses").iterdir():
        if path.is_file() and not path.is_symlink():
            counts.update(re.findall(rb"[a-z]+", re.sub(rb"[A-Z]", lambda m: m[0].lower(),
                                                        path.read_bytes())))
    want = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:10]
    document = run(env, "wordcount.yaml")
    assert document["result"] == [{"word": w.decode(), "count": n} for w, n in want]


def test_ci(env):
    library = b"".join(p.read_bytes() for p in sorted((EXAMPLES / "project").glob("*.sh")))
    document = run(env, "ci.yaml")
    assert document["result"]["report"] == {
        "library": hashlib.sha256(library).hexdigest()[:12], "cells": 6, "failed": 0}
    assert document["result"]["verdict"] is None


def test_ci_names_the_failed_cells(env, tmp_path):
    copy = tmp_path / "workflows"
    subprocess.run(["cp", "-r", str(EXAMPLES), str(copy)], check=True)
    (copy / "project" / "suites" / "roman.txt").write_text("nonsense|roman|1|\n")
    done = actant(env, "run", str(copy / "ci.yaml"), "--json")
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert document["error"]["message"] == "1 of 4 members failed: verdict"
    assert document["error"]["causes"][0]["message"] == "2 of 6 cells of the matrix failed"


def start_release(env, tmp_path):
    child = subprocess.Popen([ACTANT, "run", str(EXAMPLES / "release.yaml"), "--json", "-p",
                              f"target={tmp_path}/published"], env=env, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def parked():
        assert child.poll() is None, child.communicate()[1]
        listed = json.loads(actant(env, "history", "list", "--json").stdout or '{"runs": []}')["runs"]
        if not listed:
            return None
        shown = actant(env, "history", "show", listed[0]["run"], "--json")
        if shown.returncode != 0:
            return None
        nodes = json.loads(shown.stdout)["nodes"]
        waiting = [n for n in nodes if n["kind"] == "wait" and n["status"] == "parked"]
        return listed[0]["run"] if waiting else None
    return child, wait_for("the approval's node", parked)


def test_release_approved(env, tmp_path):
    child, run_id = start_release(env, tmp_path)
    assert actant(env, "signal", run_id, "release", "true").returncode == 0
    out, err = child.communicate(timeout=PATIENCE_S)
    assert child.returncode == 0, err
    archive = tmp_path / "published" / "slugtools-1.4.0.tar.gz"
    assert json.loads(out)["outputs"] == {"archive": str(archive)}
    sums = (tmp_path / "published" / "SHA256SUMS").read_text()
    assert sums == f"{hashlib.sha256(archive.read_bytes()).hexdigest()}  {archive.name}\n"


def test_release_refused_leaves_nothing(env, tmp_path):
    child, run_id = start_release(env, tmp_path)
    assert actant(env, "signal", run_id, "release", "false").returncode == 0
    out, err = child.communicate(timeout=PATIENCE_S)
    assert child.returncode == 1, err
    assert json.loads(out)["error"]["cause"] == "rejected"
    assert list((tmp_path / "published").iterdir()) == []


def test_release_checks_its_version(env, tmp_path):
    done = actant(env, "run", str(EXAMPLES / "release.yaml"), "-p", "version=1.4", "-p",
                  f"target={tmp_path}")
    assert done.returncode == 2 and "version" in done.stderr


def test_saga_books(env, tmp_path):
    ledger = tmp_path / "ledger"
    document = run(env, "saga.yaml", f"ledger={ledger}")
    lines = ledger.read_text().splitlines()
    assert [line.split()[:2] for line in lines] == [["book", "flight"], ["book", "hotel"],
                                                    ["pay", "730"]]
    assert document["outputs"] == {"flight": lines[0].split()[2], "hotel": lines[1].split()[2]}


def test_saga_compensates(env, tmp_path):
    ledger = tmp_path / "ledger"
    document = run(env, "saga.yaml", f"ledger={ledger}", "balance=500", expect=1)
    lines = [line.split() for line in ledger.read_text().splitlines()]
    assert [line[:2] for line in lines] == [["book", "flight"], ["book", "hotel"],
                                            ["cancel", "hotel"], ["cancel", "flight"]]
    assert lines[0][2] == lines[3][2] and lines[1][2] == lines[2][2]
    assert document["error"]["cause"] == "fail"
    assert document["error"]["message"] == "730 is more than the balance of 500"


def test_poll(env, tmp_path):
    document = run(env, "poll.yaml", f"folder={tmp_path}/parts")
    want = sum((part * i) % 9973 for part in range(1, 6) for i in range(1, 20001))
    assert document["result"]["merge"] == {"lines": 100000, "sum": want}


def test_fanout(env, tmp_path):
    document = run(env, "fanout.yaml", f"store={tmp_path}/store")
    sums = [sum((c * 7919 + i * 104729) % 65521 for i in range(2000)) for c in range(12)]
    assert document["result"] == {"chunks": 12, "first": sums[0], "last": sums[11]}


def test_backup(env, tmp_path):
    target = tmp_path / "backups"
    for number in range(1, 6):
        document = run(env, "backup.yaml", f"target={target}")
        assert document["result"]["archive"] == f"{target}/backup-{number:04d}.tar.gz"
    assert sorted(p.name for p in target.iterdir()) == [
        "backup-0003.tar.gz", "backup-0004.tar.gz", "backup-0005.tar.gz"]
    assert document["result"]["removed"] == ["backup-0002.tar.gz"]


def test_backup_gives_the_lock_back_when_it_fails(env, tmp_path):
    document = run(env, "backup.yaml", f"target={tmp_path}/b", "source=nowhere", expect=1)
    assert document["error"]["node"] == "archive"
    assert not (tmp_path / "b" / ".lock").exists()


def test_mirrors(env):
    entries = [line.split(";") for line in
               gzip.decompress((EXAMPLES / "mirrors/packed/catalogue.txt.gz").read_bytes())
               .decode().splitlines()]
    document = run(env, "mirrors.yaml")
    assert document["result"] == {"entries": len(entries), "sum": sum(int(n) for _, n in entries)}


def test_mirrors_all_damaged(env):
    document = run(env, "mirrors.yaml", 'mirrors=["mirrors/damaged"]', expect=1)
    assert document["error"]["node"] == "fetch" and document["error"]["cause"] == "members"


def manifest(folder):
    files = sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
    return [f"{name}={hashlib.sha256((folder / name).read_bytes()).hexdigest()}" for name in files]


def test_nested(env):
    folders = ["data", "project", "mirrors/plain"]
    document = run(env, "nested.yaml")
    want = [manifest(EXAMPLES / folder) for folder in folders]
    got = document["result"]
    assert [f["folder"] for f in got["folders"]] == [f"../{folder}" for folder in folders]
    assert [sorted(f["list"].split()) for f in got["folders"]] == [sorted(w) for w in want]
    assert got["files"] == sum(len(w) for w in want)


def test_duplicates(env, tmp_path):
    folder = tmp_path / "files"
    for i in range(60):
        file = folder / f"{i % 4}" / f"file {i}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"" if i % 10 == 0 else b"content %d\n" % (i * i % 23) * 100)
    document = run(env, "duplicates.yaml", f"folder={folder}", "smallest=1")
    groups = collections.defaultdict(list)
    for file in folder.rglob("*.txt"):
        if file.stat().st_size:
            groups[file.read_bytes()].append(str(file))
    same = {content: paths for content, paths in groups.items() if len(paths) > 1}
    wasted = sum(len(content) * (len(paths) - 1) for content, paths in same.items())
    assert len(same) > 5
    assert document["result"] == {
        "files": sum(map(len, groups.values())), "contents": len(groups), "wasted": wasted,
        "same": sorted(sorted(paths) for paths in same.values())}
    assert document["outputs"] == {"wasted": wasted}


def test_tree(env):
    document = run(env, "tree.yaml", "folder=project")
    total = sum(p.stat().st_size for p in (EXAMPLES / "project").rglob("*") if p.is_file())
    assert document["result"]["total"] == {"folder": "project", "bytes": total}


def test_audit(env, tmp_path):
    folder = tmp_path / "kept"
    (folder / "deep").mkdir(parents=True)
    for name in ("a.txt", "b.txt", "deep/c d.txt"):
        (folder / name).write_text(name)
    params = (f"folder={folder}", f"database={tmp_path / 'audit.db'}")
    everything = ["./a.txt", "./b.txt", "./deep/c d.txt"]
    assert run(env, "audit.yaml", *params)["result"] == {"checked": 3, "changed": everything}
    assert run(env, "audit.yaml", *params)["result"] == {"checked": 3, "changed": []}
    (folder / "b.txt").write_text("other")
    (folder / "new").write_text("")
    assert run(env, "audit.yaml", *params)["result"] == {"checked": 4, "changed": ["./b.txt", "./new"]}
    rows = sqlite3.connect(tmp_path / "audit.db").execute("select path, sum from file").fetchall()
    assert dict(rows) == {name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
                          for name in everything + ["./new"]}


def test_forecast(env):
    document = run(env, "forecast.yaml")
    orders = [row for row in csv.reader(open(EXAMPLES / "data" / "orders.csv"))][1:]
    names = dict(line.strip().split(";") for line in open(EXAMPLES / "data" / "products.csv"))
    good = [o for o in orders if o[2].replace(" ", "") and re.match(r"^[0-9]+$", o[4])
            and re.match(r"^[0-9]+\.[0-9][0-9]$", o[5])]
    assert document["outputs"]["rejected"] == len(orders) - len(good) > 0
    sums = collections.Counter()
    for _, date, _, product, quantity, price, status in good:
        if status == "shipped":
            sums[product, date[:7]] += int(quantity) * int(price.replace(".", ""))
    expected = []
    for product in sorted({p for p, _ in sums}):
        ys = [sums[key] for key in sorted(sums) if key[0] == product]
        n, xs = len(ys), range(len(ys))
        # The textbook's other form of least squares.
        slope = ((n * sum(x * y for x, y in zip(xs, ys)) - sum(xs) * sum(ys))
                 / (n * sum(x * x for x in xs) - sum(xs) ** 2))
        following = (sum(ys) - slope * sum(xs)) / n + slope * n
        expected.append((product, n, sum(ys), slope, following))
    expected.sort(key=lambda e: -e[4])
    assert len(document["result"]) == len(expected) > 3
    for got, (product, n, total, slope, following) in zip(document["result"], expected):
        assert (got["product"], got["months"], got["total_cents"]) == (product, n, total)
        assert got["name"] == names[product]
        assert abs(got["slope_cents"] - slope) < 0.01 and abs(got["next_cents"] - following) <= 1
    assert document["outputs"]["best"] == names[expected[0][0]]


def test_forecast_says_what_is_wrong(env, tmp_path):
    (tmp_path / "short.csv").write_text("order,date,region,product,quantity,unit_price,status\n"
                                        "1,2026-01-02,north,P-1,1,1.00,shipped\n")
    document = run(env, "forecast.yaml", f"orders={tmp_path}/short.csv", expect=1)
    assert "P-1 was sold in 1 month only" in json.dumps(document["error"])

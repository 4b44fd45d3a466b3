"""Shell tasks, chains, files and loops beside ninja, make, GNU parallel, Dagu and libyaml. Ratios below 1:
actant takes less."""

import pathlib
import statistics

import workloads
from harness import ACTANT, TOOLS, run, tool


def hello(b):
    ours = b.write("hello.yaml", "run: echo hello\n")
    b.write("hello.ninja", workloads.ninja(1, "echo hello", False))
    rounds = 5 if b.quick else 40
    b.pair("hello, warm database", run(ours), "sh -c", ["sh", "-c", "echo hello"], rounds=rounds)
    b.pair("hello, warm database", run(ours), "ninja", ["ninja", "-f", "hello.ninja"],
           rounds=rounds)
    b.pair("hello, fresh database", run(ours), "ninja", ["ninja", "-f", "hello.ninja"],
           before=b.fresh_db, rounds=rounds)


# `:` keeps the shell: it is a builtin. `true` alone is started without one.
THROUGH_SH, WITHOUT = ("sh", "true;"), ("no shell", "true")


def independent(b, count, label, command):
    j = 4
    ours = b.write("group.yaml", workloads.actant_group(count, f'"{command}"'))
    b.write("group.ninja", workloads.ninja(count, command, False))
    b.write("group.mk", workloads.make(count, command, False))
    bare = [tool("bare_loop"), str(count), str(j)]
    bare += ["/bin/sh", "-c", command] if label == "sh" else [f"/bin/{command}"]
    name = f"{count} independent, {label}, -j {j}"
    rounds = 1 if b.quick else (3 if count > 1000 else b.rounds)
    b.pair(name, run(ours, "-j", str(j)), "ninja", ["ninja", "-f", "group.ninja", "-j", str(j)],
           rounds=rounds)
    b.pair(name, run(ours, "-j", str(j)), "bare loop", bare, rounds=rounds)
    b.pair(name, run(ours, "-j", str(j)), "make", ["make", "-s", "-f", "group.mk", f"-j{j}", "all"],
           rounds=rounds)
    if count == 1000 and label == "sh":
        b.pair(name, run(ours, "-j", str(j)), "GNU parallel",
               ["sh", "-c", f"seq {count} | parallel -j {j} true"], rounds=1 if b.quick else 3)
        if (TOOLS / "dagu").exists():
            dag = b.write("group_dagu.yaml", workloads.dagu(count, "true"))
            b.env["DAGU_HOME"] = str(b.folder / "dagu")
            b.pair(name, run(ours, "-j", str(j)), "dagu", [str(TOOLS / "dagu"), "start", dag],
                   rounds=1)


def shell(b):
    for label, command in (THROUGH_SH, WITHOUT):
        independent(b, 1000, label, command)
    for label, command in (THROUGH_SH, WITHOUT):
        independent(b, 10000, label, command)


def scaling(b):
    """Cost a task at 10,000 against 1,000."""
    small = b.write("small.yaml", workloads.actant_group(1000, '"true;"'))
    large = b.write("large.yaml", workloads.actant_group(10000, '"true;"'))
    ratios, a, c = [], [], []
    for _ in range(1 if b.quick else 3):
        few = statistics.median(b.time(run(small, "-j", "4")) for _ in range(3)) / 1000
        many = b.time(run(large, "-j", "4")) / 10000
        a.append(many), c.append(few), ratios.append(many / few)
    b.row("a task of 10,000 against one of 1,000", "s", statistics.median(a), "actant, 1,000",
          statistics.median(c), statistics.median(ratios))


def chain(b):
    for label, command in (THROUGH_SH, WITHOUT):
        ours = b.write("chain.yaml", workloads.actant_chain(1000, f'"{command}"'))
        b.write("chain.ninja", workloads.ninja(1000, command, True))
        b.write("chain.mk", workloads.make(1000, command, True))
        bare = [tool("bare_loop"), "1000", "1"]
        bare += ["/bin/sh", "-c", command] if label == "sh" else [f"/bin/{command}"]
        name = f"chain of 1000, {label}"
        b.pair(name, run(ours), "ninja", ["ninja", "-f", "chain.ninja"])
        b.pair(name, run(ours), "make", ["make", "-s", "-f", "chain.mk", "all"])
        b.pair(name, run(ours), "bare loop", bare)


def history(b):
    count = 1000 if b.quick else 10000
    ours = b.write("history.yaml", workloads.actant_group(count, '"true;"'))
    b.pair(f"history on against off, {count} tasks", run(ours, "-j", "4"), "actant --no-history",
           run(ours, "-j", "4", "--no-history"), rounds=1 if b.quick else 3)


def validate(b):
    events = tool("yaml_events", "-lyaml")
    for count in (10000, 100000):
        path = b.write(f"steps-{count}.yaml", workloads.steps(count))
        b.pair(f"validate {count} nodes", [ACTANT, "validate", path], "libyaml events",
               [events, path], rounds=3 if b.quick else b.rounds)
        b.row(f"validate {count} nodes, peak memory", "MB", b.peak_kb([ACTANT, "validate", path]) / 1024,
              "aim", 300.0, None)


def loop(b):
    count = 1000000
    path = b.write("loop.yaml", workloads.COUNTER.format(count=count))
    b.fresh_db()
    seconds = statistics.median(b.time(run(path), b.fresh_db) for _ in range(1 if b.quick else 3))
    db = pathlib.Path(b.env["ACTANT_DB"])
    size = sum(f.stat().st_size for f in db.parent.glob(db.name + "*") if f.is_file()
               and "reserve" not in f.name)
    b.row("while over a value, 1,000,000 turns", "s", seconds, "aim", 5.0, seconds / 5.0)
    b.row("while over a value, database", "MB", size / 1e6, "aim", 5.0, None)
    b.row("while over a value, peak memory", "MB", b.peak_kb(run(path)) / 1024, "aim", 50.0, None)

#!/usr/bin/env python3
"""Gives every fuzz target its seconds with libFuzzer and with AFL++, from corpus and dictionary, and then a canary,
a target whose reader believes what lengths say, which both must crash. Prints a line a target and at last
`N passed, N failed`; with --json one object. An input that breaks something is left in --found.

    brief.py [--seconds N] [--jobs N] [--json] [--found DIR] [--libfuzzer BUILD] [--afl BUILD]"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CANARY = "canary_replay"
PATIENCE_S = 600  # beyond the seconds asked for: a bound for what hangs, not a measure
SLOW_S = 10       # of a processor, for one input


def corpus_of(name):
    return HERE / "corpus" / name.removeprefix("canary_").removeprefix("fuzz_")


def dictionary_of(name):
    file = HERE / f"{name.removeprefix('canary_').removeprefix('fuzz_')}.dict"
    return file if file.exists() else None


def keep(found, engine, name, file):
    found.mkdir(parents=True, exist_ok=True)
    kept = found / f"{engine}-{name}-{file.name}"
    shutil.copy(file, kept)
    return str(kept)


def is_slow(program, file):
    """Whether the input takes so long indeed: a busy machine may have stood still while the fuzzer tried it."""
    def limit():
        resource.setrlimit(resource.RLIMIT_CPU, (SLOW_S, SLOW_S))
    try:
        return subprocess.run([program, file], stdin=subprocess.DEVNULL, capture_output=True, preexec_fn=limit,
                              timeout=PATIENCE_S).returncode != 0
    except subprocess.TimeoutExpired:
        return True


def libfuzzer(program, seconds, found):
    """(executions, inputs that broke it)"""
    with tempfile.TemporaryDirectory() as scratch:
        own = pathlib.Path(scratch) / "corpus"
        own.mkdir()
        words = [program, f"-max_total_time={seconds}", "-timeout=20", "-rss_limit_mb=2048",
                 "-print_final_stats=1", f"-artifact_prefix={scratch}/"]
        if dictionary_of(program.name):
            words.append(f"-dict={dictionary_of(program.name)}")
        done = subprocess.run([*map(str, words), str(own), str(corpus_of(program.name))], text=True,
                              capture_output=True, timeout=seconds + PATIENCE_S, errors="replace")
        count = re.search(r"number_of_executed_units: (\d+)", done.stderr)
        files = [file for file in pathlib.Path(scratch).iterdir() if file.is_file()]
        stood = [file for file in files if file.name.startswith(("timeout-", "slow-unit-"))
                 and not is_slow(program, file)]
        broken = [keep(found, "libfuzzer", program.name, file) for file in files if file not in stood]
        if done.returncode != 0 and not any(file.name.startswith("timeout-") for file in stood):
            said = done.stderr[-4000:]
            broken = broken or [f"exit {done.returncode}"]
            if program.name != CANARY:
                print(said, file=sys.stderr)
        return int(count[1]) if count else 0, broken


AFL = {"AFL_SKIP_CPUFREQ": "1", "AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES": "1", "AFL_NO_UI": "1",
       "AFL_NO_AFFINITY": "1", "AFL_BENCH_UNTIL_CRASH": "1", "AFL_NO_STARTUP_CALIBRATION": "1"}


def afl(program, seconds, found):
    with tempfile.TemporaryDirectory() as scratch:
        out = pathlib.Path(scratch) / "out"
        words = ["afl-fuzz", "-i", corpus_of(program.name), "-o", out, "-V", seconds, "-m", "none",
                 "-t", "5000+"]
        if dictionary_of(program.name):
            words += ["-x", dictionary_of(program.name)]
        done = subprocess.run([*map(str, words), "--", str(program)], text=True, capture_output=True,
                              env={**os.environ, **AFL}, timeout=seconds + PATIENCE_S,
                              errors="replace", preexec_fn=os.setsid)
        stats = out / "default" / "fuzzer_stats"
        if not stats.exists():
            aborted = program.name == CANARY and "crash" in done.stdout
            if not aborted:
                print(done.stdout[-3000:] + done.stderr[-1000:], file=sys.stderr)
            return 0, ["the first inputs crash it" if aborted else f"exit {done.returncode}"]
        count = re.search(r"execs_done\s*: (\d+)", stats.read_text())
        broken = [keep(found, "afl", program.name, file)
                  for folder in ("crashes", "hangs")
                  for file in (out / "default" / folder).glob("id*")
                  if folder == "crashes" or is_slow(program, file)]
        return int(count[1]) if count else 0, broken


ENGINES = {"libfuzzer": libfuzzer, "afl": afl}


def plan(options):
    """(engine, program): every target with every engine, the canaries last."""
    for canary in (False, True):
        for engine in ENGINES:
            folder = getattr(options, engine)
            if not (folder / "tests" / "fuzz").is_dir():
                continue
            for program in sorted((folder / "tests" / "fuzz").iterdir()):
                is_program = program.is_file() and os.access(program, os.X_OK)
                if is_program and (program.name == CANARY) == canary:
                    yield engine, program


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--found", type=pathlib.Path, default=ROOT / "build" / "fuzz-found")
    parser.add_argument("--libfuzzer", type=pathlib.Path, default=ROOT / "build" / "fuzz")
    parser.add_argument("--afl", type=pathlib.Path, default=ROOT / "build" / "afl")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    rows = []
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        started = [(engine, program, pool.submit(ENGINES[engine], program.resolve(), options.seconds,
                                                 options.found.resolve()))
                   for engine, program in plan(options)]
        for engine, program, future in started:
            count, broken = future.result()
            canary = program.name == CANARY
            good = bool(broken) if canary else not broken and count > 0
            rows.append({"target": program.name.removeprefix("fuzz_"), "engine": engine,
                         "executions": count, "broken": broken, "canary": canary, "good": good})
            what = ("caught" if broken else "NOT CAUGHT") if canary else \
                ", ".join(broken) or ("" if count else "it did not run")
            print(f"{program.name.removeprefix('fuzz_'):16} {engine:10} {count:9} executions  {what}",
                  file=sys.stderr, flush=True)
    bad = sum(not row["good"] for row in rows)
    if options.json:
        print(json.dumps({"seconds": options.seconds, "targets": rows}))
    else:
        print(f"{len(rows) - bad} passed, {bad} failed")
    return 1 if bad or not rows else 0


if __name__ == "__main__":
    sys.exit(main())

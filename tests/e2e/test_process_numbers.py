"""Fault 47: a number of a process is free for others once its end was fetched. From then on no signal goes there:
read from the calls that the engine makes, whichever way its tasks end."""

import re
import shutil
import subprocess

import pytest

from conftest import ACTANT, PATIENCE_S

pytestmark = pytest.mark.skipif(not shutil.which("strace"), reason="no strace")

CALLS = "waitid,wait4,kill,tgkill,pidfd_send_signal,clone,clone3,vfork,fork"
FLOW = """
group:
- {id: slow, for: '${{ range(8) }}', do: {run: 'trap "" TERM; sleep 1000', timeout: 200ms, grace: 50ms, on_error: continue}}
- {id: quick, for: '${{ range(40) }}', do: {run: 'true; exit 0'}}
- {id: left, for: '${{ range(8) }}', do: {run: 'sleep 1000 & exit 0', output: none}}
- {id: far, for: '${{ range(4) }}', do: {run: 'setsid sleep 1000 >/dev/null 2>&1 & exit 0', output: none}}
- {id: close, for: '${{ range(20) }}', do: {exec: [sleep, '0.05'], timeout: 50ms, grace: 10ms, on_error: continue}}
- id: won
  for: ${{ range(8) }}
  do: {race: [{run: 'exit 0'}, {run: sleep 1000}, {run: 'sleep 0.01; exit 0'}]}
"""


def whole_calls(trace):
    """(thread, call) in the order of their ends, but what sends a signal in the order of its beginning."""
    begun = {}
    for line in trace.splitlines():
        thread, text = line.split(None, 1)
        if text.endswith("<unfinished ...>"):
            begun[thread] = text[:-len("<unfinished ...>")].rstrip()
            if begun[thread].startswith(("kill(", "tgkill(", "pidfd_send")):
                yield thread, begun[thread] + ") = 0"
                begun[thread] = None
        elif text.startswith("<..."):
            head = begun.pop(thread, None)
            if head is not None:
                yield thread, head + text[text.index("resumed>") + len("resumed>"):]
        else:
            yield thread, text


def threads_of(first, calls):
    """The engine's: the first, and those that it and they begin. A thread may act before its beginning has ended."""
    threads = {first}
    while True:
        more = {call.rpartition("= ")[2].split()[0] for thread, call in calls
                if thread in threads and call.startswith("clone") and "CLONE_THREAD" in call} - threads
        if not more:
            return threads
        threads |= more


def test_no_signal_goes_to_a_number_that_was_given_back(world):
    trace = world.path / "trace"
    done = subprocess.run(["strace", "-f", "-o", trace, "-e", f"trace={CALLS}", "-e", "signal=none", ACTANT, "run",
                           world.write(FLOW), "-j", "8", "-q"], env=world.env, stdin=subprocess.DEVNULL,
                          capture_output=True, cwd=world.path, timeout=PATIENCE_S)
    if b"ptrace" in done.stderr and done.returncode != 0:
        pytest.skip("processes cannot be traced here")
    assert done.returncode == 0, done.stderr
    text = trace.read_text()
    calls = list(whole_calls(text))
    engine = threads_of(text.split(None, 1)[0], calls)
    free, fetched, signalled = set(), 0, 0
    for thread, call in calls:
        if thread not in engine:
            continue
        name, _, rest = call.partition("(")
        result = call.rpartition("= ")[2].split()[0]
        if name in ("clone", "clone3", "vfork", "fork") and result.isdigit():
            free.discard(result)
        elif name == "waitid" and "WNOWAIT" not in rest and (pid := re.search(r"si_pid=(\d+)", rest)):
            free.add(pid[1])
            fetched += 1
        elif name == "wait4" and result.isdigit() and result != "0":
            free.add(result)
            fetched += 1
        elif name == "kill" and not rest.startswith(("0,", "-1,")) and ", 0)" not in rest:
            signalled += 1
            assert rest.split(",")[0].lstrip("-") not in free, call
    assert fetched >= 88 and signalled >= 16, (fetched, signalled)

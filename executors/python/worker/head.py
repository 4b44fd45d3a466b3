# The Python side of a warm worker: started by actant as `python -`, for Python 3.8 and later, with
# nothing but the standard library, of which only what is needed at once is imported at once.
#
# Descriptor 3 carries frames both ways (executors/worker/frames.def), 4 what must be heard while a
# function runs: CANCEL and REVOKE, read by a thread. 1 and 2 are pipes to actant; sys.stdout and
# sys.stderr go by frames, so that every byte belongs to the call that wrote it.
#
# One thread runs functions: plain ones one after another as they come, coroutine functions beside each
# other in an event loop that runs while there is one. A call is claimed before it begins, by the thread
# that runs it or by the one that was asked to take it back: whoever comes first has it.
#
# One program in several files, put together in the order of CMakeLists.txt: it goes to the interpreter's
# standard input, where there are no modules to import.
import io
import os
import signal
import sys
import _thread

LINK, CONTROL = 3, 4
HELLO, READY, CALL, BEGUN, RESULT, PART, FAIL, RETURNED = 1, 2, 3, 4, 5, 6, 7, 8
LOG, PROGRESS, OUTPUTS, CANCEL, REVOKE, USAGE, STATE, BYE = 9, 10, 11, 12, 13, 14, 15, 16
READ_BYTES = 1 << 16  # more would be mapped and unmapped for every read
PART_BYTES = 1 << 20
TEXT_MAX = 64 * 1024
USAGE_EVERY = 64
DRAIN_S = 5.0
NAMES = ("ACTANT_ATTEMPT_ID", "ACTANT_ATTEMPT", "ACTANT_IDEMPOTENCY_KEY", "ACTANT_NODE", "ACTANT_OUTPUT")
NAMES_BYTES = tuple(name.encode() for name in NAMES)
# os.environ without its putenv; None: it is made otherwise here.
_data = getattr(os.environ, "_data", None) if sys.platform.startswith("linux") else None

try:
    import fcntl
    import termios
    FIONREAD = termios.FIONREAD
except ImportError:
    fcntl = None

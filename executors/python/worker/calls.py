# A call, and what is written while it runs: sys.stdout and sys.stderr.
class Call:
    __slots__ = ("id", "request", "name", "cancelled", "task", "outputs")

    def __init__(self, number, request):
        self.id = number
        self.request = request
        self.name = request["f"]
        self.cancelled = False
        self.task = None
        self.outputs = None


class Cancelled(BaseException):
    """actant asks the function to stop. Raised in plain functions where they wait or compute; not an
    Exception, so that `except Exception` does not swallow it."""


MINE, REVOKED = 1, 2
_claims = {}  # call number -> MINE or REVOKED; setdefault decides who was first
_sync = None  # the plain call that runs
_inside = False  # the user's function runs: Cancelled may be raised
_beside = {}  # the coroutine calls that run, by number
_current = None  # a ContextVar, once there is a loop


def current():
    if _current is not None:
        call = _current.get()
        if call is not None:
            return call
    return _sync


class Raw(io.RawIOBase):
    """sys.stdout.buffer: bytes become LOG frames of the call that writes them."""

    def __init__(self, fd):
        self._fd = fd

    def writable(self):
        return True

    def fileno(self):
        return self._fd

    def isatty(self):
        return False

    def write(self, data):
        data = bytes(data)
        call = current()
        if call is None or os.getpid() != _pid:
            os.write(self._fd, data)
            return len(data)
        drain()  # what was written to the pipes before stands before it
        for at in range(0, len(data), PART_BYTES):
            send(frame(LOG, call.id, bytes((self._fd,)) + data[at:at + PART_BYTES]))
        return len(data)


class Out(io.TextIOBase):
    """sys.stdout and sys.stderr: not buffered, so that a print shows at once, line end or not."""

    encoding = "utf-8"
    errors = "backslashreplace"
    newlines = None
    line_buffering = write_through = True

    def __init__(self, fd):
        self.buffer = Raw(fd)
        self.mode = "w"
        self.name = "<stdout>" if fd == 1 else "<stderr>"

    def writable(self):
        return True

    def fileno(self):
        return self.buffer.fileno()

    def isatty(self):
        return False

    def reconfigure(self, **_):
        pass

    def write(self, text):
        if not isinstance(text, str):
            raise TypeError("write() argument must be str, not " + type(text).__name__)
        if text:
            self.buffer.write(text.encode("utf-8", "backslashreplace"))
        return len(text)

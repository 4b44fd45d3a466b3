# Around a call: environment, children, outputs.
_late = None  # names and values that os.environ has and the C library's environment not yet
STARTS = frozenset(("os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.exec", "os.system",
                    "subprocess.Popen"))
UNSEEN = ("_posixsubprocess", "_ctypes")  # what starts children without a word


def put_late():
    """What a child inherits is the C library's environment, whose setenv costs 4 us and keeps every value
    for ever. So the names of a call go there when a child is about to be made, or at once if somebody has
    loaded a module that makes them unseen."""
    global _late
    late, _late = _late, None
    if late is not None and os.getpid() == _pid:
        for name, value in zip(NAMES, late):
            os.putenv(name, value)


def on_audit(event, args):
    if _late is not None and (event in STARTS or event == "import" and args[0] in UNSEEN):
        put_late()


def set_environment(request):
    """What the call adds to the environment; gives what was there before."""
    global _late
    environ = os.environ
    _late = request["t"]
    if _data is None or UNSEEN[0] in sys.modules or UNSEEN[1] in sys.modules:
        _late = None
        for name, value in zip(NAMES, request["t"]):
            environ[name] = value
    else:
        for name, value in zip(NAMES_BYTES, request["t"]):
            _data[name] = value.encode("utf-8", "surrogateescape")
    more = request.get("e")
    if not more:
        return None
    before = {}
    for name, value in more.items():
        before[name] = environ.get(name)
        if value is None:
            environ.pop(name, None)
        else:
            environ[name] = value
    return before


def restore_environment(before):
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def drain():
    """Waits until what was written to the pipes themselves has been read, so that it is known whose it is."""
    if fcntl is None:
        return
    end = None
    for fd in (1, 2):
        while True:
            try:
                if fcntl.ioctl(fd, FIONREAD, b"\0\0\0\0") == b"\0\0\0\0":
                    break
            except OSError:
                break
            import time
            now = time.monotonic()
            end = end or now + DRAIN_S
            if now > end:
                return
            time.sleep(0.0002)


def end_children():
    """Nothing that a call started goes on after it. What has left our children is found by actant."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except (ChildProcessError, AttributeError):
        return
    try:
        with open("/proc/self/task/%d/children" % _pid) as file:
            children = [int(word) for word in file.read().split()]
    except OSError:
        return
    for child in children:
        try:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        except OSError:
            pass


def after_call():
    global _ended
    if os.getpid() != _pid:  # a child that the function forked, and that came back from it
        os._exit(0)
    drain()
    end_children()
    try:
        if os.getcwd() != _dir:
            os.chdir(_dir)
    except OSError:
        os.chdir(_dir)
    _ended += 1


_ended = 0


def outputs_frame(call):
    if not call.outputs:
        return b""
    try:
        return frame(OUTPUTS, call.id, dumps(call.outputs).encode("utf-8"))
    except (TypeError, ValueError):
        return b""  # output() has looked at each


def in_child():
    os.close(LINK)
    os.close(CONTROL)

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

try:  # the codec without its wrapping, which would load `re`
    from _json import encode_basestring, make_encoder, make_scanner

    class _Context:
        strict = True
        object_hook = object_pairs_hook = None
        parse_float = float
        parse_int = int
        memo = {}
        parse_constant = {"-Infinity": -float("inf"), "Infinity": float("inf"), "NaN": float("nan")}.get

    _scan = make_scanner(_Context)

    def loads(text):
        return _scan(text, 0)[0]

    def dumps(value):
        encode = make_encoder({}, _default, encode_basestring, None, ":", ",", False, False, False)
        return "".join(encode(value, 0))
except Exception:
    import json

    loads = json.loads

    def dumps(value):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_default)


def _default(value):
    fields = getattr(type(value), "__dataclass_fields__", None)
    if fields is None:
        raise TypeError("no JSON")
    return {name: getattr(value, name) for name in fields}


# ---- frames -------------------------------------------------------------------------------------

_pid = os.getpid()
_sending = _thread.allocate_lock()


def frame(kind, call, body=b""):
    return (len(body) + 4).to_bytes(4, "little") + bytes((kind,)) + call.to_bytes(4, "little") + body


def send(data):
    """Whole, or the worker ends: nobody is there any more."""
    with _sending:
        try:
            done = os.write(LINK, data)
            while done < len(data):
                data = memoryview(data)[done:]
                done = os.write(LINK, data)
        except BrokenPipeError:
            os._exit(1)


def take(data, at):
    """The frame at `at`: (type, begin, end) of its body; end 0: it is not whole yet."""
    if len(data) - at < 5:
        return 0, 0, 0
    end = at + 5 + int.from_bytes(data[at:at + 4], "little")
    return (data[at + 4], at + 5, end) if end <= len(data) else (0, 0, 0)


# ---- calls --------------------------------------------------------------------------------------

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


# ---- functions ----------------------------------------------------------------------------------

class NotThere(Exception):
    def __init__(self, kind, message):
        self.kind = kind
        Exception.__init__(self, message)


_functions = {}  # "module:function" -> (callable, whether it gives a coroutine)


def nearest(name, names):
    import difflib
    found = difflib.get_close_matches(name, [n for n in names if not n.startswith("__")], 1)
    return "; did you mean '%s'?" % found[0] if found else ""


def modules_here():
    names = []
    for entry in os.scandir(_dir):
        if entry.name.endswith(".py"):
            names.append(entry.name[:-3])
        elif entry.is_dir() and os.path.exists(os.path.join(entry.path, "__init__.py")):
            names.append(entry.name)
    return names


def load_module(name):
    try:
        __import__(name)
    except ModuleNotFoundError as error:
        if error.name is None or not (name + ".").startswith(error.name + "."):
            raise  # something that it imports
        raise NotThere("ModuleNotFoundError", "there is no module '%s' in %s or on Python's path%s" % (
            name, _dir, nearest(name, modules_here()))) from None
    return sys.modules[name]


def find(name):
    module_name, _, path = name.partition(":")
    module = found = load_module(module_name)
    for part in path.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            where = "module '%s'" % module_name if found is module else "'%s'" % found.__name__
            raise NotThere("AttributeError", "%s (%s) has no function '%s'%s" % (
                where, getattr(module, "__file__", None) or "built in", part,
                nearest(part, dir(found)))) from None
    if not callable(found):
        raise NotThere("TypeError", "%s is not a function, it is of type %s" % (name, type(found).__name__))
    return found, gives_coroutine(found)


def gives_coroutine(function):
    while hasattr(function, "func") and hasattr(function, "keywords"):  # functools.partial
        function = function.func
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    if code is None:
        code = getattr(getattr(type(function), "__call__", None), "__code__", None)
    return bool(code is not None and code.co_flags & 0x80)  # CO_COROUTINE


# ---- results ------------------------------------------------------------------------------------

def where_not_json(value):
    """Where in value JSON ends, and what is there: a search with a stack, not by recursion."""
    stack = [("the result", value, ())]
    while stack:
        path, value, above = stack.pop()
        if value is None or isinstance(value, (bool, int)):
            continue
        if isinstance(value, float):
            if value != value or value in (float("inf"), float("-inf")):
                return "%s is %r" % (path, value)
        elif isinstance(value, str):
            try:
                value.encode("utf-8")
            except UnicodeEncodeError:
                return "%s holds half a surrogate pair, which is no text" % path
        elif id(value) in above:
            return "%s holds itself" % path
        elif isinstance(value, dict):
            for key, item in value.items():
                if not isinstance(key, (str, int, float, bool, type(None))):
                    return "%s has a key of type %s" % (path, type(key).__name__)
                stack.append(("%s.%s" % (path, key), item, above + (id(value),)))
        elif isinstance(value, (list, tuple)):
            for i, item in enumerate(value):
                stack.append(("%s[%d]" % (path, i), item, above + (id(value),)))
        elif getattr(type(value), "__dataclass_fields__", None) is not None:
            for name in type(value).__dataclass_fields__:
                stack.append(("%s.%s" % (path, name), getattr(value, name), above + (id(value),)))
        else:
            return "%s is of type %s" % (path, type(value).__name__)
        if len(above) > 300:
            return "%s is nested too deeply" % path[:80]
    return "the result is nested too deeply"


def result_frames(call, value):
    if isinstance(value, (str, bytes)) and len(value) > _hello["result_max"]:
        return fail(call, "output", None, "the result is longer than %d bytes; write large data to a file "
                    "and return its name" % _hello["result_max"])
    try:
        body = dumps(value).encode("utf-8")
    except (TypeError, ValueError, RecursionError, OverflowError):
        return fail(call, "output", "TypeError", "%s, which JSON cannot say" % where_not_json(value))
    if len(body) <= PART_BYTES:
        return frame(RESULT, call.id, body)
    if len(body) > _hello["result_max"]:
        return fail(call, "output", None, "the result is %d bytes long, and at most %d are taken; write large "
                    "data to a file and return its name" % (len(body), _hello["result_max"]))
    last = (len(body) - 1) // PART_BYTES * PART_BYTES
    for at in range(0, last, PART_BYTES):
        send(frame(PART, call.id, body[at:at + PART_BYTES]))
    return frame(RESULT, call.id, body[last:])


def fail(call, cause, kind, message, traceback=None, code=None):
    body = {"cause": cause, "message": message[:TEXT_MAX]}
    if kind is not None:
        body["type"] = kind
    if traceback is not None:
        body["traceback"] = traceback
    if code is not None:
        body["exit_code"] = code
    return frame(FAIL, call.id, dumps(body).encode("utf-8", "backslashreplace"))


def describe(error):
    """type, message and traceback, without the frames of this file."""
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else kind.__module__ + "." + kind.__qualname__
    try:
        message = str(error)
    except BaseException:
        message = "(its message cannot be made)"
    try:
        import traceback
        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_globals is globals():
            trace = trace.tb_next
        text = "".join(traceback.format_exception(kind, error, trace))
    except BaseException:
        text = name + ": " + message + "\n"
    if len(text) > TEXT_MAX:
        text = text[:TEXT_MAX // 2] + "\n  ...\n" + text[-TEXT_MAX // 2:]
    return name, message or name, text


def hinted(call, error, message):
    """What entered the node was handed to a function that takes nothing: what to write."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_globals is globals():
        trace = trace.tb_next
    if not isinstance(error, TypeError) or trace is not None or not call.request.get("p"):
        return message
    return message + "; it was handed what entered its node: write `args: []` to call it with nothing"


def failure(call, error):
    if isinstance(error, NotThere):
        return fail(call, "exception", error.kind, str(error))
    if isinstance(error, Asleep):
        return fail(call, "asleep", None, "this state is not here")
    if isinstance(error, ActorFault):
        name, message, text = describe(error.error)
        return fail(call, "exception", name, "%s failed: %s" % (error, message), text)
    if isinstance(error, SystemExit):
        code = error.code
        if code is None or code == 0:
            return frame(RESULT, call.id, b"null")
        if not isinstance(code, int):
            sys.stderr.write("%s\n" % (code,))
            code = 1
        code &= 0xFF
        return fail(call, "exit", "SystemExit", "it ended with sys.exit(%d)" % code, None, code)
    if isinstance(error, MemoryError):
        lift_memory(True)
        try:
            error.__traceback__ = trimmed(error.__traceback__)
            name, message, text = describe(error)
        finally:
            lift_memory(False)
        if _hello["memory"]:
            message = "it reached the worker's memory limit of %d bytes" % _hello["memory"]
        return fail(call, "exception", name, message, text)
    name, message, text = describe(error)
    return fail(call, "exception", name, hinted(call, error, message), text)


def trimmed(trace):
    """Lets go of what the frames hold, which may be all the memory there is."""
    step = trace
    while step is not None:
        try:
            step.tb_frame.clear()
        except RuntimeError:
            pass
        step = step.tb_next
    return trace


# ---- memory -------------------------------------------------------------------------------------

def limit_memory(limit):
    import resource
    which = resource.RLIMIT_DATA if sys.platform.startswith("linux") else resource.RLIMIT_AS
    hard = resource.getrlimit(which)[1]
    resource.setrlimit(which, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))


def lift_memory(up):
    if not _hello["memory"]:
        return
    if up:
        import resource
        limit_memory(resource.RLIM_INFINITY if resource.RLIM_INFINITY > 0 else 1 << 62)
    else:
        limit_memory(_hello["memory"])


def usage():
    try:
        with open("/proc/self/statm", "rb") as file:
            resident = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        import resource
        resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return (8).to_bytes(4, "little") + bytes((USAGE,)) + resident.to_bytes(8, "little")


# ---- around a call ------------------------------------------------------------------------------

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


# ---- plain functions ----------------------------------------------------------------------------

def on_term(number, _):
    call = _sync
    if _inside and call is not None and call.cancelled and os.getpid() == _pid:
        raise Cancelled("actant asked it to stop")


def run_plain(call, function):
    """Gives the frames that end it."""
    global _inside, _sync
    request = call.request
    _sync = call
    before = None
    try:
        before = set_environment(request)
        _inside = True
        if call.cancelled:
            raise Cancelled("actant asked it to stop")
        value = function(*request.get("a", ()), **request.get("k", {}))
        _inside = False
        end = result_frames(call, value)
        value = None
    except BaseException as error:
        _inside = False
        if os.getpid() != _pid:
            sys.excepthook(type(error), error, error.__traceback__)
            os._exit(1)
        end = failure(call, error)
    finally:
        _inside = False
        if before is not None:
            restore_environment(before)
    after_call()
    _sync = None
    if call.outputs:
        end = outputs_frame(call) + end
    return end


# ---- coroutine functions ------------------------------------------------------------------------

_loop = None
_idle = None  # a future: no coroutine call runs any more


async def run_coroutine(call, function):
    _current.set(call)
    try:
        value = await function(*call.request.get("a", ()), **call.request.get("k", {}))
        end = result_frames(call, value)
    except BaseException as error:
        end = failure(call, Cancelled("actant asked it to stop") if call.cancelled and is_cancel(error) else error)
    if os.getpid() != _pid:
        os._exit(0)
    _beside.pop(call.id, None)
    if not _beside:
        after_call()
    send(outputs_frame(call) + end)
    _claims.pop(call.id, None)
    if not _beside and not _idle.done():
        _idle.set_result(None)


def is_cancel(error):
    import asyncio
    return isinstance(error, asyncio.CancelledError)


def begin_coroutine(call, function):
    _beside[call.id] = call
    if len(_beside) == 1:
        call.request["was"] = set_environment(call.request)
    call.task = _loop.create_task(run_coroutine(call, function))
    if call.cancelled:
        call.task.cancel()


def serve_beside(worker, call, function):
    """Runs the loop until no coroutine call is left; others may come meanwhile."""
    global _loop, _idle, _current
    import asyncio
    if _loop is None:
        import contextvars
        _current = contextvars.ContextVar("actant_call", default=None)
        _loop = asyncio.new_event_loop()
        asyncio.set_event_loop(_loop)
    _idle = _loop.create_future()
    begin_coroutine(call, function)
    before = call.request.get("was")
    _loop.add_reader(LINK, worker.read_beside)
    try:
        while _beside:
            try:
                _loop.run_until_complete(_idle)
            except (SystemExit, KeyboardInterrupt):
                pass  # of a task of the function's own
    finally:
        _loop.remove_reader(LINK)
        if before:
            restore_environment(before)


# ---- actors -------------------------------------------------------------------------------------

class Asleep(Exception):
    """The object is wanted in a state that is not here and was not sent."""


class ActorFault(Exception):
    """What is not the method's own failure."""

    def __init__(self, what, part, error):
        self.error = error
        Exception.__init__(self, "%s of actor '%s' (%s)" % (what, part["name"], part["target"]))


_actor = None  # the object of a process that hosts one
_actor_version = None  # of its state; None: it cannot be used
_actor_loop = None


def says_exactly(value):
    """Is JSON enough, so that what comes back is the same, types, sharing and all?"""
    stack, seen = [value], set()
    while stack:
        value = stack.pop()
        kind = type(value)
        if value is None or kind is bool or kind is int:
            continue
        if kind is float:
            if value != value or value in (float("inf"), float("-inf")):
                return False
        elif kind is str:
            try:
                value.encode("utf-8")
            except UnicodeEncodeError:
                return False
        elif kind is list or kind is dict:
            if id(value) in seen or len(seen) > 1000000:
                return False
            seen.add(id(value))
            if kind is dict:
                for key in value:
                    if type(key) is not str:
                        return False
                stack.extend(value)
                stack.extend(value.values())
            else:
                stack.extend(value)
        else:
            return False
    return True


def own(kind, name):
    """A method of the class's own, or of a base other than `object`."""
    found = getattr(kind, name, None)
    return found if found is not None and found is not getattr(object, name, None) else None


def slots_of(kind):
    names = []
    for base in kind.__mro__:
        slots = base.__dict__.get("__slots__", ())
        names.extend((slots,) if isinstance(slots, str) else slots)
    return [name for name in names if name not in ("__dict__", "__weakref__")]


def actor_state(thing):
    kind = type(thing)
    if own(kind, "__getstate__"):
        state = thing.__getstate__()
    else:
        state = getattr(thing, "__dict__", None)
        slots = {name: getattr(thing, name) for name in slots_of(kind) if hasattr(thing, name)}
        if slots:
            state = (state, slots)
    if says_exactly(state):
        try:
            return b'{"json":' + dumps(state).encode("utf-8") + b"}"
        except RecursionError:
            pass
    import base64
    import pickle
    return b'{"pickle":"' + base64.b64encode(pickle.dumps(state, 4)) + b'"}'


def put_state(thing, saved):
    kind = type(thing)
    if "pickle" in saved:
        import base64
        import pickle
        state = pickle.loads(base64.b64decode(saved["pickle"]))
    else:
        state = saved["json"]
    if own(kind, "__setstate__"):
        thing.__setstate__(state)
        return
    slots = None
    if isinstance(state, tuple) and len(state) == 2:
        state, slots = state
    if state:
        if not own(kind, "__getstate__"):
            thing.__dict__.clear()
        thing.__dict__.update(state)
    for name, value in (slots or {}).items():
        setattr(thing, name, value)


def wake_actor(part, request):
    global _actor, _actor_version
    if not request.get("fresh"):
        if _actor is None or _actor_version != part["version"]:
            raise Asleep()
        return
    _actor = _actor_version = None
    kind, _ = find(part["target"])
    try:
        thing = kind(**part["with"])
    except Exception as error:
        raise ActorFault("the constructor", part, error) from None
    if "state" in request:
        try:
            put_state(thing, request["state"])
        except Exception as error:
            raise ActorFault("the restore", part, error) from None
    _actor = thing


def actor_method(part):
    name = part["method"]
    found = getattr(_actor, name, None)
    if found is None or not callable(found):
        names = [n for n in dir(_actor) if not n.startswith("_") and callable(getattr(_actor, n, None))]
        raise NotThere("AttributeError", "actor '%s' (%s) has no method '%s'%s" % (
            part["name"], part["target"], name, nearest(name, names)))
    return found


def takes_nothing(method):
    """Beside the object itself; what entered the node is not for such a method."""
    code = getattr(getattr(method, "__func__", None), "__code__", None)
    return code is not None and code.co_argcount <= 1 and not code.co_flags & 0x04  # CO_VARARGS


def finish_coroutine(value):
    global _actor_loop
    import asyncio
    if _actor_loop is None:
        _actor_loop = asyncio.new_event_loop()
        asyncio.set_event_loop(_actor_loop)
    return _actor_loop.run_until_complete(value)


def call_actor(*args, **named):
    """The function of every call of an actor: what is called stands in its request. The state goes out
    before the result; it counts only if that does."""
    global _actor_version
    call = _sync
    part = call.request["actor"]
    wake_actor(part, call.request)
    _actor_version = None
    method = actor_method(part)
    if part["entered"] and takes_nothing(method):
        args = ()
    value = method(*args, **named)
    if hasattr(value, "__await__"):
        value = finish_coroutine(value)
    try:
        state = actor_state(_actor)
    except Exception as error:
        raise ActorFault("the save", part, error) from None
    for at in range(0, len(state), PART_BYTES):
        send(frame(STATE, call.id, state[at:at + PART_BYTES]))
    _actor_version = part["version"] + 1
    return value


# ---- the module `actant` -------------------------------------------------------------------------

def make_module():
    module = type(sys)("actant", "What a function can tell and ask actant while it runs.")

    def output(name, value):
        """A named output of the task, beside its result."""
        ok = isinstance(name, str) and name and name.replace("_", "a").replace("-", "0").isalnum() \
            and name.isascii() and (name[0].isalpha() or name[0] == "_")
        if not ok:
            raise ValueError("%r cannot be the name of an output" % (name,))
        try:
            dumps(value).encode("utf-8")
        except (TypeError, ValueError):
            raise TypeError(where_not_json(value).replace("the result", "the output", 1)
                            + ", which JSON cannot say") from None
        call = current()
        if call is not None:
            call.outputs = call.outputs or {}
            call.outputs[name] = value

    def log(*values):
        """A line in the task's log."""
        sys.stderr.write(" ".join(map(str, values)) + "\n")

    def progress(done, total=None, message=None):
        """How far it is."""
        call = current()
        if call is not None:
            send(frame(PROGRESS, call.id, dumps({"done": done, "total": total, "message": message}).encode("utf-8")))

    def cancelled():
        """Whether actant has asked the function to stop."""
        call = current()
        return call is not None and call.cancelled

    def of(index):
        def get():
            call = current()
            return call.request["t"][index] if call is not None else None
        return get

    module.output, module.log, module.progress, module.cancelled = output, log, progress, cancelled
    module.attempt_id, module.idempotency_key, module.node = of(0), of(2), of(3)
    module.attempt = lambda: int(of(1)() or 0)
    module.Cancelled = Cancelled
    module._call_actor = call_actor
    return module


# ---- the second descriptor ----------------------------------------------------------------------

def cancel(number, main):
    call = _beside.get(number)
    if call is not None:
        call.cancelled = True
        if call.task is not None:
            _loop.call_soon_threadsafe(call.task.cancel)
        return
    call = _sync
    if call is not None and call.id == number:
        call.cancelled = True
        signal.pthread_kill(main, signal.SIGTERM)


def listen(main):
    data = b""
    while True:
        try:
            more = os.read(CONTROL, 4096)
        except OSError:
            return  # the function has closed it: actant sees that
        if not more:  # actant is gone: so is everything that it started
            if os.getpgrp() == os.getpid():
                os.killpg(0, signal.SIGKILL)
            os._exit(1)
        data += more
        at = 0
        while True:
            kind, begin, end = take(data, at)
            if not end:
                break
            number = int.from_bytes(data[begin:begin + 4], "little")
            if number in _claims or number > _worker.ended:
                if _claims.setdefault(number, REVOKED) == REVOKED:
                    send(frame(RETURNED, number, b"\0"))
                elif kind == CANCEL:
                    cancel(number, main)
            at = end
        data = data[at:]


# ---- the worker ---------------------------------------------------------------------------------

class Worker:
    def __init__(self):
        self.data = b""
        self.at = 0
        self.ended = 0  # the highest number of a plain call that has ended
        self.said = b""  # what goes out with the next write

    def next_frame(self):
        """(type, body) of one that is here, or None."""
        kind, begin, end = take(self.data, self.at)
        if not end:
            return None
        self.at = end
        return kind, self.data[begin:end]

    def read(self):
        more = os.read(LINK, READ_BYTES)
        if not more:
            os._exit(0)
        if self.at:
            self.data = self.data[self.at:]
            self.at = 0
        if len(more) < READ_BYTES or len(self.data) < (1 << 20):
            self.data += more
            return
        pieces = [self.data, more]  # a long one: not copied once a piece
        wanted = int.from_bytes(self.data[:4], "little") + 5 - len(self.data) - len(more)
        while wanted > 0:
            more = os.read(LINK, min(wanted, 1 << 20))
            if not more:
                os._exit(0)
            pieces.append(more)
            wanted -= len(more)
        self.data = b"".join(pieces)

    def flush(self):
        if self.said:
            send(self.said)
            self.said = b""

    def take_call(self, body):
        """The call, if it is still ours, and its function; what BEGUN says has been said."""
        call = Call(int.from_bytes(body[:4], "little"), loads(str(body[4:], "utf-8")))
        if _claims.setdefault(call.id, MINE) != MINE:
            _claims.pop(call.id, None)
            return None, None, False
        known = _functions.get(call.name)
        self.said += frame(BEGUN, call.id, b"\1" if known is not None and known[1] else b"\0")
        self.flush()
        if known is None:
            known = self.load(call)
        return (call, known[0], known[1]) if known is not None else (None, None, False)

    def load(self, call):
        global _sync, _inside
        _sync = call
        try:
            _inside = True
            known = _functions[call.name] = find(call.name)
            _inside = False
        except BaseException as error:
            _inside = False
            if os.getpid() != _pid:
                os._exit(1)
            end = failure(call, error)
            after_call()
            self.end(call, end)
            return None
        finally:
            _sync = None
        send(frame(BEGUN, call.id, b"\1" if known[1] else b"\0"))
        return known

    def end(self, call, frames):
        self.said += frames
        if _ended % USAGE_EVERY == 0:
            self.said += usage()
        self.ended = call.id
        _claims.pop(call.id, None)

    def read_beside(self):
        self.read()
        while True:
            got = self.next_frame()
            if got is None:
                return
            if got[0] == BYE:
                self.data, self.at = b"\0\0\0\0" + bytes((BYE,)), 0
                return
            if got[0] != CALL:
                continue
            call, function, coroutine = self.take_call(got[1])
            if call is None:
                self.flush()
            elif coroutine:
                begin_coroutine(call, function)
            else:  # a file that has changed since it was known to hold a coroutine function
                self.end(call, run_plain(call, function))
                self.flush()

    def serve(self):
        while True:
            got = self.next_frame()
            if got is None:
                self.flush()
                self.read()
            elif got[0] == BYE:
                self.flush()
                return
            elif got[0] == CALL:
                call, function, coroutine = self.take_call(got[1])
                if call is None:
                    continue
                if coroutine:
                    serve_beside(self, call, function)
                else:
                    self.end(call, run_plain(call, function))


def open_worker():
    global _hello, _dir
    os.set_inheritable(LINK, False)
    os.set_inheritable(CONTROL, False)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    sys.stdin = open(0, closefd=False)
    sys.stdout, sys.stderr = Out(1), Out(2)
    sys.argv = ["actant"]
    worker = Worker()
    got = None
    while got is None:
        worker.read()
        got = worker.next_frame()
    _hello = loads(str(got[1], "utf-8"))
    _dir = _hello["dir"]
    if sys.path and sys.path[0] == "":
        sys.path[0] = _dir
    else:
        sys.path.insert(0, _dir)
    sys.modules["actant"] = make_module()
    os.register_at_fork(after_in_child=in_child)
    sys.addaudithook(on_audit)
    signal.signal(signal.SIGTERM, on_term)
    try:
        import faulthandler
        faulthandler.enable(2)
    except Exception:
        pass
    if _hello["memory"]:
        limit_memory(_hello["memory"])
    return worker


_worker = open_worker()
_thread.start_new_thread(listen, (_thread.get_ident(),))
send((2).to_bytes(4, "little") + bytes((READY,)) + b"{}")
_worker.serve()

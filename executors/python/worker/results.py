# Results and failures as frames; what JSON cannot say is named.
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

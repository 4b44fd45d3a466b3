# Actors: an object, its methods, its state as JSON or pickled.
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

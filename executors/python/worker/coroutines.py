# Coroutine functions: beside each other in a loop that runs while there is one.
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

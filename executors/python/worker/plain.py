# Plain functions: one after another, in the main thread.
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

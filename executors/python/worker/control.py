# The second descriptor: what must be heard while a function runs.
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

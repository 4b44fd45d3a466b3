# Frames: how they are written to and taken off the link.
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

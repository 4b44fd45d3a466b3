# The worker: takes frames, runs calls, ends.
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

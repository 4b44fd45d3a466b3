# The module `actant` that functions may import.
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

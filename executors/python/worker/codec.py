# JSON, by what the interpreter has built in.
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

"""The no-op that is run by actant's Python workers and by the bare round trip."""


def noop(value=None):
    return None

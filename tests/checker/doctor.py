"""Takes a run's log apart and puts it together again with a mistake in it: sequence numbers and hash
chain fit, so that only what the events *say* is wrong. For tests of the checker."""

import hashlib
import sqlite3
import struct

from log import CAUSES, ROW_SHIFT, STATUS, TYPES, read_event
from wire import Reader

TYPE_NUMBERS = {text: number for number, text in TYPES.items()}


def _number(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


class Raw:
    """An event as its fields; `event` is what the checker's reader makes of it."""

    def __init__(self, data):
        self.event = read_event(Reader(_number(len(data)) + data))
        reader = Reader(data)
        self.type = reader.number()
        self.fields = []
        while reader.left:
            tag = reader.number()
            self.fields.append([tag, reader.bytes() if tag & 1 else reader.number()])

    def set(self, field, value):
        """A plain or signed field by its number; 0 takes it away."""
        self.fields = [f for f in self.fields if f[0] >> 1 != field]
        if value:
            self.fields.append([field << 1, value])

    def set_status(self, text):
        self.set(7, next(n for n, t in STATUS.items() if t == text))

    def set_cause(self, text):
        self.set(8, CAUSES.index(text))

    def set_exit(self, code):
        self.set(9, code << 1 ^ code >> 63)

    def set_file(self, name, length):
        self.fields = [f for f in self.fields if f[0] >> 1 not in (22, 23, 24, 25)]
        self.fields += [[23 << 1 | 1, name.encode()], [25 << 1, length]]

    def copy(self):
        return Raw(self.encode())

    def encode(self):
        out = _number(self.type)
        for tag, value in self.fields:
            out += _number(tag) + (_number(len(value)) + value if tag & 1 else _number(value))
        return out


def operate(path, change, status=None):
    """change(list of Raw) alters the newest run's events in place. status: what `runs` says then."""
    sql = sqlite3.connect(path)
    row, run = sql.execute("SELECT id, run FROM runs ORDER BY id DESC LIMIT 1").fetchone()
    low, high = row << ROW_SHIFT, row + 1 << ROW_SHIFT
    events = []
    for body, in sql.execute("SELECT body FROM batches WHERE position >= ? AND position < ? "
                             "ORDER BY position", (low, high)):
        reader = Reader(body)
        while reader.left:
            events.append(Raw(reader.bytes()))
    change(events)
    for seq, raw in enumerate(events, 1):
        raw.set(1, seq)
    bodies = [raw.encode() for raw in events]
    body = b"".join(_number(len(one)) + one for one in bodies)
    before = hashlib.sha256(run.encode()).digest()
    digest = hashlib.sha256(before + struct.pack("<QQ", 1, len(events)) + body).digest()
    sql.execute("DELETE FROM batches WHERE position >= ? AND position < ?", (low, high))
    sql.execute("INSERT INTO batches (position, count, body, hash) VALUES (?, ?, ?, ?)",
                (low + 1, len(events), body, digest))
    if status:
        sql.execute("UPDATE runs SET status = ? WHERE id = ?", (status, row))
    sql.commit()
    sql.close()

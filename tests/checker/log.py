"""A database as it lies there: runs, plans, batches, events. Reads with sqlite3 and hashlib alone."""

import hashlib
import os
import sqlite3
import struct
import urllib.parse

from plan import Plan
from wire import Damaged, Reader, references, value

TYPES = {1: "run_started", 2: "dispatched", 3: "ended", 4: "timer", 5: "signal", 6: "cancel",
         7: "suspend", 8: "resume", 9: "limits", 10: "answer", 11: "retry", 12: "tick",
         13: "reused", 14: "forked", 15: "adopted",
         20: "started", 21: "output", 40: "node_started", 41: "node_ended", 42: "node_parked",
         43: "run_ended", 44: "run_suspended", 45: "undone"}
RECORDS = {"node_started", "node_ended", "node_parked", "run_ended", "run_suspended", "undone"}
STATUS = {0: "", 1: "ready", 2: "parked", 3: "running", 4: "stopping", 5: "succeeded",
          6: "failed", 7: "skipped", 8: "cancelled", 9: "suspended"}
CAUSES = ["", "exit", "signal", "timeout", "expired", "rejected", "lost", "output", "expression",
          "exception", "fail", "members", "max", "cancelled", "guard", "upstream", "cache",
          "interrupted", "start", "branch", "return", "race"]
ROW_SHIFT = 36

# Fields of an event: number → (name, how it is read).
SIGNED = {3: "at_ms", 4: "at_ns", 9: "exit_code", 10: "signal", 13: "started_ms",
          14: "started_ns"}
PLAIN = {1: "seq", 2: "steps", 6: "attempt", 7: "status", 8: "cause", 11: "number", 12: "flag",
         24: "out_at", 25: "out_length", 28: "err_at", 29: "err_length",
         35: "bits"}
TEXTS = {15: "name", 16: "id", 21: "message", 23: "out_file", 27: "err_file"}
VALUES = {17: "value", 19: "outputs", 20: "error", 32: "input", 33: "params",
          36: "artifacts"}


class Event:
    """One event; what it does not carry is zero, as in the encoding."""

    def __init__(self):
        for names in (SIGNED, PLAIN):
            for name in names.values():
                setattr(self, name, 0)
        for name in TEXTS.values():
            setattr(self, name, "")
        for name in VALUES.values():
            setattr(self, name, None)
        self.type = ""
        self.key = (0, ())

    def of_run(self):
        return self.key == (0, ()) and self.attempt == 0


def read_event(reader):
    inner = Reader(reader.bytes())
    event = Event()
    number = inner.number()
    event.type = TYPES.get(number, f"type {number}")
    while inner.left:
        tag = inner.number()
        field = tag >> 1
        if tag & 1:
            _read_bytes(event, field, inner.bytes())
        else:
            raw = inner.number()
            if field in SIGNED:
                setattr(event, SIGNED[field], raw >> 1 ^ -(raw & 1))
            elif field in PLAIN:
                setattr(event, PLAIN[field], raw)
    event.status = STATUS.get(event.status, f"status {event.status}")
    event.cause = CAUSES[event.cause] if event.cause < len(CAUSES) else f"cause {event.cause}"
    return event


def _read_bytes(event, field, data):
    if field == 5:
        reader = Reader(data)
        node = reader.number()
        event.key = (node, tuple(reader.number() for _ in range(reader.number())))
        if reader.left:
            raise Damaged("a key with something behind it")
    elif field in TEXTS:
        setattr(event, TEXTS[field], data.decode("utf-8", "replace"))
    elif field in VALUES:
        reader = Reader(data)
        setattr(event, VALUES[field], value(reader))
        if reader.left:
            raise Damaged("a value with something behind it")


class Run:
    """A row of `runs`, its plan and its batches. `damage`: (invariant, sequence number, words)."""

    def __init__(self, log, row):
        self.row, self.id, self.status, self.plan_row = row
        self.damage = []
        self.events = []
        self.plan = log.plan(self)
        self._read(log)

    def _read(self, log):
        before = hashlib.sha256(self.id.encode()).digest()
        expected = 1
        low, high = self.row << ROW_SHIFT, self.row + 1 << ROW_SHIFT
        for position, count, body, stored in log.sql.execute(
                "SELECT position, count, CAST(body AS BLOB), hash FROM batches WHERE position >= ? AND "
                "position < ? ORDER BY position", (low, high)):
            first = position - low
            digest = hashlib.sha256(before + struct.pack("<QQ", first, count) + body).digest()
            if first != expected:
                self.damage.append(("I1", expected, f"the next batch begins at {first}"))
                return
            if digest != stored:
                self.damage.append(("I1", first, "the hash chain is broken"))
                return
            before = stored
            try:
                self._read_batch(body, first, count)
            except (Damaged, UnicodeError) as why:
                self.damage.append(("I1", first, f"the batch cannot be read: {why}"))
                return
            expected = first + count

    def _read_batch(self, body, first, count):
        reader = Reader(body)
        seq = first
        while reader.left:
            event = read_event(reader)
            event.batch = first
            if event.seq != seq:
                raise Damaged(f"event {seq} calls itself {event.seq}")
            self.events.append(event)
            seq += 1
        if seq - first != count:
            raise Damaged(f"{seq - first} events instead of {count}")


class Log:
    """Opens a database for reading only."""

    def __init__(self, path):
        self.path = os.path.abspath(path)
        address = f"file:{urllib.parse.quote(self.path)}?mode=ro"
        self.sql = sqlite3.connect(address, uri=True, timeout=60)
        self.sql.execute("BEGIN")  # one moment of it
        self._plans = {}

    def close(self):
        self.sql.close()

    def has_table(self, name):
        """Databases of earlier versions and exported files lack some."""
        return bool(self.sql.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?",
                                     (name,)).fetchone())

    def integrity(self):
        return [line for line, in self.sql.execute("PRAGMA integrity_check(20)") if line != "ok"]

    def runs(self):
        rows = self.sql.execute("SELECT id, run, status, plan FROM runs ORDER BY id").fetchall()
        for row in rows:
            yield Run(self, row)

    def plan(self, run):
        if run.plan_row not in self._plans:
            self._plans[run.plan_row] = self._read_plan(run)
        return self._plans[run.plan_row]

    def _read_plan(self, run):
        row = self.sql.execute("SELECT content, CAST(bytes AS BLOB) FROM plans WHERE id = ?",
                               (run.plan_row,)).fetchone()
        if row is None:
            run.damage.append(("I1", 0, "its plan is not there"))
            return None
        content, data = row
        if hashlib.sha256(data).digest() != content:
            run.damage.append(("I1", 0, "its plan is not what its hash says"))
        try:
            return Plan(data)
        except (Damaged, IndexError) as why:
            run.damage.append(("I1", 0, f"its plan cannot be read: {why}"))
            return None

    def has_file(self, run, name, offset, length):
        """Whether a file of the run's folder has these bytes."""
        try:
            size = os.stat(os.path.join(f"{self.path}.d", run.id, name)).st_size
        except OSError:
            return False
        return offset + length <= size


def files_of(event):
    """(name, offset, length) of what an event says is in a file."""
    for which in ("out", "err"):
        name = getattr(event, f"{which}_file")
        if name:
            yield name, getattr(event, f"{which}_at"), getattr(event, f"{which}_length")
    for one in (event.value, event.outputs, event.error):
        for ref in references(one):
            yield ref.file, ref.offset, ref.length

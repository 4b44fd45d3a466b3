"""Varints and values as the database holds them, read from the description of the format
(base/wire.h, base/value_wire.c, engine/core/event.h) and not with actant's code."""

import json
import struct


class Damaged(Exception):
    """Bytes that are not what they should be."""


class Reader:
    """Takes bytes off the front; past the end it is damage."""

    def __init__(self, data):
        self.data = data
        self.at = 0

    @property
    def left(self):
        return len(self.data) - self.at

    def byte(self):
        if self.at >= len(self.data):
            raise Damaged("ends too early")
        self.at += 1
        return self.data[self.at - 1]

    def take(self, count):
        if count > self.left:
            raise Damaged("ends too early")
        self.at += count
        return self.data[self.at - count:self.at]

    def number(self):
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7
            if shift > 63:
                raise Damaged("a number of more than 64 bits")

    def signed(self):
        value = self.number()
        return value >> 1 ^ -(value & 1)

    def bytes(self):
        return self.take(self.number())

    def text(self):
        return self.bytes().decode("utf-8", "replace")


class Reference:
    """A value that lies in a file of the run's folder."""

    def __init__(self, where, length):
        self.file, _, offset = where.rpartition(":")
        if not self.file or not offset.isdigit():
            raise Damaged(f"a reference to {where!r}")
        self.offset = int(offset)
        self.length = length

    def __eq__(self, other):
        return isinstance(other, Reference) and vars(self) == vars(other)

    __hash__ = None


def _output(mode, raw):
    text = raw.decode("utf-8", "replace")
    if mode == 1:
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def value(reader):
    """One value; a list or mapping is read with a stack, as deep as it likes."""
    stack = []
    while True:
        if stack and isinstance(stack[-1][0], dict):
            stack[-1][2] = reader.text()
        one, members = _head(reader)
        if members:
            stack.append([one, members, None])
            continue
        while stack:
            box, left, key = stack[-1]
            if isinstance(box, dict):
                box[key] = one
            else:
                box.append(one)
            stack[-1][1] = left - 1
            if left > 1:
                break
            one = stack.pop()[0]
        else:
            return one


def _head(reader):
    tag = reader.byte()
    if tag <= 2:
        return (None, False, True)[tag], 0
    if tag == 3:
        return reader.signed(), 0
    if tag == 4:
        return struct.unpack("<d", reader.take(8))[0], 0
    if tag in (5, 6):
        return reader.text(), 0
    if tag in (7, 8):
        members = reader.number()
        if members > reader.left:
            raise Damaged("a list longer than its bytes")
        return ([] if tag == 7 else {}), members
    if tag == 9:
        where, length = reader.text(), reader.number()
        reader.byte()
        return Reference(where, length), 0
    if tag == 10:
        mode = reader.byte()
        return _output(mode, reader.bytes()), 0
    raise Damaged(f"a value of kind {tag}")


def references(one):
    """Every Reference inside a value."""
    stack = [one]
    while stack:
        top = stack.pop()
        if isinstance(top, Reference):
            yield top
        elif isinstance(top, dict):
            stack.extend(top.values())
        elif isinstance(top, list):
            stack.extend(top)

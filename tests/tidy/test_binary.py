"""What the shipped binary loads: start-up time is decided before main."""

import os
import struct
from pathlib import Path

import pytest

ALLOWED = {"libc.so.6", "libm.so.6"}
PT_LOAD, PT_DYNAMIC = 1, 2
DT_NEEDED, DT_STRTAB, DT_RPATH, DT_RUNPATH = 1, 5, 15, 29


def dynamic_section(data):
    """(tag, value) pairs and a reader of the strings that they name."""
    assert data[:6] == b"\x7fELF\x02\x01", "64-bit little-endian ELF"
    offset, = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    headers = [struct.unpack_from("<IIQQQQQQ", data, offset + i * size) for i in range(count)]
    loads = [h for h in headers if h[0] == PT_LOAD]
    entries = []
    for header in headers:
        if header[0] == PT_DYNAMIC:
            entries = list(struct.iter_unpack("<QQ", data[header[2] : header[2] + header[5]]))

    def text(value):
        table = next(v for tag, v in entries if tag == DT_STRTAB)
        load = next(h for h in loads if h[3] <= table < h[3] + h[5])
        start = table - load[3] + load[2] + value
        return data[start : data.index(b"\0", start)].decode()

    return entries, text


def needed(data):
    entries, text = dynamic_section(data)
    return {text(value) for tag, value in entries if tag == DT_NEEDED}


@pytest.fixture(scope="module")
def binary():
    return Path(os.environ["ACTANT"]).read_bytes()


def test_loads_libc_and_libm_alone(binary):
    assert needed(binary) <= ALLOWED


def test_has_no_search_path(binary):
    assert not {tag for tag, _ in dynamic_section(binary)[0]} & {DT_RPATH, DT_RUNPATH}


def test_holds_no_path_of_the_machine_that_built_it(binary):
    assert os.environ["ACT_SOURCE_DIR"].encode() + b"/" not in binary


def test_the_reader_sees_more_than_nothing():
    assert "libc.so.6" in needed(Path(os.path.realpath("/bin/ls")).read_bytes())

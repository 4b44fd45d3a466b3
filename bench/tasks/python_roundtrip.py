"""The worker of python_roundtrip.c: reads frames from the descriptor that it is given, calls, answers."""

import json
import socket
import sys

import noop


def main():
    stream = socket.socket(fileno=int(sys.argv[1]))
    reader = stream.makefile("rb")
    functions = {"noop:noop": noop.noop}
    while head := reader.read(4):
        call = json.loads(reader.read(int.from_bytes(head, sys.byteorder)))
        result = functions[call["call"]](*call["args"])
        body = json.dumps({"id": call["id"], "result": result}).encode()
        stream.sendall(len(body).to_bytes(4, sys.byteorder) + body)


main()

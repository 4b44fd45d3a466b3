"""Celery: a Redis server that writes nothing to disk and two prefork workers."""

import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time

import peer

HERE = pathlib.Path(__file__).resolve().parent


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def main():
    folder = tempfile.TemporaryDirectory(prefix="bench-celery-")
    port = free_port()
    os.environ["BENCH_REDIS"] = f"redis://127.0.0.1:{port}"
    redis = subprocess.Popen(["redis-server", "--port", str(port), "--save", "", "--appendonly",
                              "no", "--dir", folder.name], stdout=sys.stderr)
    worker = subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "celery_app", "worker", "-P", "prefork", "-c", "2",
         "--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "ERROR"],
        cwd=HERE, stdout=sys.stderr)
    try:
        from celery import chain, chord, group

        from celery_app import app, noop
        while not app.control.ping(timeout=0.5):
            time.sleep(0.1)
        peer.serve({
            "group": lambda n: group(noop.s() for _ in range(n)).apply_async().get(timeout=600),
            "chain": lambda n: chain(noop.s() for _ in range(n)).apply_async().get(timeout=600),
            "chord": lambda n: chord((noop.s() for _ in range(n)), noop.s())().get(timeout=600),
        })
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.wait()
        redis.terminate()
        redis.wait()
        folder.cleanup()


main()

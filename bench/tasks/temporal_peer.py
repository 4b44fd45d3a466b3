"""Temporal: the development server on an SQLite file, one workflow, activities in one worker process.

A workflow may have 2,000 activities pending: a larger group goes in waves of 1,000."""

import asyncio
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
from datetime import timedelta

from temporalio import activity, workflow

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
LIMIT = timedelta(seconds=600)


@activity.defn
async def noop() -> None:
    return None


async def run_noop():
    await workflow.execute_activity(noop, start_to_close_timeout=LIMIT)


@workflow.defn
class Bench:
    @workflow.run
    async def run(self, work: str, count: int) -> None:
        if work == "chain":
            for _ in range(count):
                await run_noop()
            return
        for first in range(0, count, 1000):
            await asyncio.gather(*(run_noop() for _ in range(min(1000, count - first))))
        if work == "chord":
            await run_noop()


async def connect(address):
    from temporalio.client import Client
    for _ in range(600):
        try:
            return await Client.connect(address)
        except RuntimeError:
            await asyncio.sleep(0.1)
    sys.exit("the development server does not answer")


async def serve(address):
    from temporalio.worker import UnsandboxedWorkflowRunner, Worker
    client = await connect(address)
    loop = asyncio.get_running_loop()
    # Two workers' worth of slots, no sandbox: its quickest.
    async with Worker(client, task_queue="bench", workflows=[Bench], activities=[noop],
                      max_concurrent_activities=200, workflow_runner=UnsandboxedWorkflowRunner()):

        def work(name):
            def wait(count):
                started = client.execute_workflow(Bench.run, args=[name, count],
                                                  id=f"{name}-{time.time_ns()}", task_queue="bench")
                asyncio.run_coroutine_threadsafe(started, loop).result()
            return wait

        import peer
        await asyncio.to_thread(peer.serve, {n: work(n) for n in ("group", "chain", "chord")})


def main():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="bench-temporal-") as folder:
        server = subprocess.Popen(
            [ROOT / "build" / "bench" / "temporal", "server", "start-dev", "--headless", "--port",
             str(port), "--db-filename", folder + "/temporal.db", "--log-level", "error"],
            stdout=sys.stderr)
        try:
            asyncio.run(serve(f"127.0.0.1:{port}"))
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()

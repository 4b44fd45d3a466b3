"""The tasks that Celery's workers import."""

import os

from celery import Celery

url = os.environ["BENCH_REDIS"]
app = Celery("bench", broker=url + "/0", backend=url + "/1")
# Its quickest: JSON, no events, and workers that fetch ahead.
app.conf.update(worker_prefetch_multiplier=64, task_serializer="json", result_serializer="json",
                broker_connection_retry_on_startup=True)


@app.task
def noop(value=None):
    return None

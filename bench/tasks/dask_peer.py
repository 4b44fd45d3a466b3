"""Dask: a local cluster of two processes, one thread each."""

import logging

import peer


def noop(value=None):
    return None


def main():
    from distributed import Client, LocalCluster
    logging.getLogger("distributed").setLevel(logging.ERROR)
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True,
                      dashboard_address=None) as cluster, Client(cluster) as client:

        def group(count):
            client.gather(client.map(noop, range(count), pure=False))

        def chain(count):
            last = client.submit(noop, pure=False)
            for _ in range(count - 1):
                last = client.submit(noop, last, pure=False)
            last.result()

        def chord(count):
            client.submit(noop, client.map(noop, range(count), pure=False), pure=False).result()

        peer.serve({"group": group, "chain": chain, "chord": chord})


if __name__ == "__main__":
    main()

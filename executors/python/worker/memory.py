# The memory limit, and what the worker uses.
def limit_memory(limit):
    import resource
    which = resource.RLIMIT_DATA if sys.platform.startswith("linux") else resource.RLIMIT_AS
    hard = resource.getrlimit(which)[1]
    resource.setrlimit(which, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))


def lift_memory(up):
    if not _hello["memory"]:
        return
    if up:
        import resource
        limit_memory(resource.RLIM_INFINITY if resource.RLIM_INFINITY > 0 else 1 << 62)
    else:
        limit_memory(_hello["memory"])


def usage():
    try:
        with open("/proc/self/statm", "rb") as file:
            resident = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        import resource
        resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return (8).to_bytes(4, "little") + bytes((USAGE,)) + resident.to_bytes(8, "little")

"""What a Python function starts has the call's own names in its environment, however it is started."""

FUNCTIONS = '''
import os


def mine(seen):
    return seen == os.environ["ACTANT_ATTEMPT_ID"]


def by_system():
    os.system('printf %s "$ACTANT_ATTEMPT_ID" > seen')
    return mine(open("seen").read())


def by_fork():
    end, begin = os.pipe()
    if os.fork() == 0:
        os.dup2(begin, 1)
        os.execv("/bin/sh", ["sh", "-c", 'printf %s "$ACTANT_ATTEMPT_ID"'])
    os.close(begin)
    os.wait()
    return mine(os.read(end, 1000).decode())


def by_subprocess():
    import subprocess
    return mine(subprocess.run(["sh", "-c", 'printf %s "$ACTANT_ATTEMPT_ID"'], capture_output=True,
                               text=True).stdout)


def unseen():
    import _posixsubprocess, ctypes
    ctypes.CDLL(None).system(b'printf %s "$ACTANT_ATTEMPT_ID" > seen')
    return mine(open("seen").read())
'''


def test_children_have_the_call_s_names(world):
    world.write(FUNCTIONS, "kids.py")
    names = ["by_system", "by_fork", "by_system", "by_subprocess", "by_fork", "unseen", "by_system"]
    members = "\n".join(f"  - {{python: kids:{name}}}" for name in names)
    # One after the other, so that most of them meet a worker that had another call before.
    document = world.run(f"group:\n{members}\nparallel: 1\n")
    assert document["result"] == [True] * len(names)

"""The Python tasks and the actor of flow.yaml."""

import os


def mark(name):
    with open("marks", "a") as file:
        file.write(f"{name} {os.environ['ACTANT_ATTEMPT']}\n")
    return [name, 1]


def raises(name):
    mark(name)
    raise ValueError("no " + name)


class Sum:
    def __init__(self, start):
        self.n = start

    def add(self, by):
        self.n += by
        with open("marks", "a") as file:
            file.write(f"sum {self.n}\n")
        return self.n

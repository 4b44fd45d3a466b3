"""The files that actant and its peers are given: the same work, each in its own language."""


def actant_group(count, command):
    return "group:\n" + f"  - {command}\n" * count


def actant_chain(count, command):
    return "chain:\n" + f"  - {command}\n" * count


def noops(work, count, kind):
    """A group or chain of no-op tasks, or a chord of them with one more at its end. kind: a node's keys."""
    members = f"  - {{{kind}}}\n" * count
    if work != "chord":
        return f"{work}:\n{members}"
    return f"chord:\n  group:\n{members.replace('  - ', '    - ')}  then: {{{kind}}}\n"


def ninja(count, command, chain):
    """Phony outputs that never exist, so that every edge runs."""
    lines = ["rule r", f"  command = {command}", "  description = $out"]
    for i in range(count):
        lines.append(f"build t{i}: r" + (f" t{i - 1}" if chain and i else ""))
    last = [f"t{count - 1}"] if chain else [f"t{i}" for i in range(count)]
    lines.append("build all: phony " + " ".join(last))
    lines.append("default all")
    return "\n".join(lines) + "\n"


def make(count, command, chain):
    names = [f"t{i}" for i in range(count)]
    lines = ["SHELL = /bin/sh", "all: " + (names[-1] if chain else " ".join(names)),
             ".PHONY: all " + " ".join(names)]
    for i in range(count):
        lines.append(f"t{i}:" + (f" t{i - 1}" if chain and i else ""))
        lines.append(f"\t@{command}")
    return "\n".join(lines) + "\n"


def dagu(count, command):
    lines = ["type: graph", "maxActiveSteps: 4", "steps:"]
    for i in range(count):
        lines += [f"  - name: t{i}", f"    command: \"{command}\""]
    return "\n".join(lines) + "\n"


def steps(count):
    """A workflow of `count` nodes as people write them (about 220 bytes a node), for validate."""
    out = ["name: big", "params: {region: {type: string, default: eu}}", "dag:"]
    for i in range(count):
        out += [
            f"  step{i}:",
            f"    name: step number {i} of many",
            *([f"    needs: [step{i - 1}]"] if i % 10 else []),
            "    env: {REGION: '${{ params.region }}', NUMBER: " + str(i) + "}",
            "    retry: {max: 3, delay: 2s}",
            "    timeout: 10m",
            f"    run: process --region \"$REGION\" --number {i} --verbose",
        ]
    return "\n".join(out) + "\n"


COUNTER = """chain:
  - value: 0
  - while: prev < {count}
    max: none
    do: {{value: '${{{{ prev + 1 }}}}'}}
"""

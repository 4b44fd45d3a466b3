"""What the checker needs of a plan: its tree, and a few attributes of its nodes."""

from wire import Damaged, Reader, value

KINDS = {1: "run", 2: "exec", 3: "plugin", 4: "python", 5: "call", 6: "task", 7: "workflow",
         8: "sleep", 9: "wait", 10: "signal", 11: "value", 12: "fail", 13: "return", 14: "cancel",
         15: "chain", 16: "group", 17: "chord", 18: "race", 19: "dag", 20: "if", 21: "switch",
         22: "for", 23: "matrix", 24: "while", 25: "until", 26: "try"}
WORK = {"run", "exec", "plugin", "python", "call"}
REPEATS = {"for", "matrix", "while", "until"}
ITEM, DO, UNDO = 1, 6, 10  # roles
STEPS = {2: "default", 4: "then", 5: "else", 6: "do", 7: "try", 8: "catch", 9: "finally", 10: "undo"}
CASES = 42  # an attribute: the texts of a switch
RETRY_MAX, COLLECT, QUORUM, IDEMPOTENT, CACHE = 15, 23, 24, 30, 59  # attributes


class Node:
    def __init__(self, index, kind, role, name):
        self.index, self.kind, self.role, self.name = index, kind, role, name
        self.parent = None
        self.children = []
        self.attrs = {}

    def has(self, attr):
        return attr in self.attrs


class Plan:
    def __init__(self, data):
        reader = Reader(data)
        if reader.take(4) != b"ACTP" or reader.number() != 1:
            raise Damaged("no plan of version 1")
        self.literals = [value(reader) for _ in range(reader.number())]
        for _ in range(reader.number()):  # expressions
            reader.take(2)
            reader.number()
            for _ in range(reader.number()):
                reader.number()
        self.nodes = []
        for index in range(reader.number()):
            self.nodes.append(self._node(reader, index))
        for node in self.nodes:
            for child in node.children:
                self.nodes[child].parent = node.index

    def _node(self, reader, index):
        kind, role = reader.byte(), reader.byte()
        reader.number()  # flags
        name = reader.number()
        node = Node(index, KINDS.get(kind, f"kind {kind}"), role,
                    self.literals[name - 1] if name else None)
        node.children = [index + reader.number() for _ in range(reader.number())]
        for _ in range(reader.number()):
            key = reader.number()
            node.attrs[key] = reader.number()
        for _ in range(reader.number()):  # needs
            reader.number()
            reader.take(2)
        return node

    def around(self, key):
        """The keys of the instances around an instance, from the inside out. A key is (plan node,
        numbers): one number for each turn, item or call around it."""
        node, numbers = key
        while True:
            here = self.nodes[node]
            if here.parent is None:
                if not numbers:
                    return
                node, numbers = numbers[-1], numbers[:-1]
            else:
                if here.role == DO and self.nodes[here.parent].kind in REPEATS and numbers:
                    numbers = numbers[:-1]
                node = here.parent
            yield node, numbers

    def _step(self, node):
        here = self.nodes[node]
        around = self.nodes[here.parent]
        place = around.children.index(node)
        if here.role == ITEM and around.kind == "switch":
            return f"cases.{self.literals[around.attrs[CASES]][place]}"
        if here.role == ITEM:
            return f"dag.{here.name}" if around.kind == "dag" else f"{around.kind}[{place}]"
        return STEPS.get(here.role, around.kind)

    def address(self, key):
        """What people call an instance, as actant writes it: `chain[2].do[17].then`."""
        (node, numbers), steps = key, []
        while True:
            here = self.nodes[node]
            if here.parent is None:
                if not numbers:
                    return ".".join(reversed(steps))
                node, numbers = numbers[-1], numbers[:-1]
                steps.append("workflow" if self.nodes[node].kind == "workflow" else "task")
                continue
            step = self._step(node)
            if here.role == DO and self.nodes[here.parent].kind in REPEATS and numbers:
                step, numbers = f"{step}[{numbers[-1]}]", numbers[:-1]
            steps.append(step)
            node = here.parent

    def path(self, key):
        """For messages only: how people would find it."""
        steps = []
        for node, numbers in [key, *self.around(key)]:
            here = self.nodes[node]
            place = self.nodes[here.parent].children.index(node) if here.parent is not None else 0
            steps.append(f"{here.name or here.kind}[{place}]" +
                         (f"#{numbers[-1]}" if numbers else ""))
        return "/".join(reversed(steps))

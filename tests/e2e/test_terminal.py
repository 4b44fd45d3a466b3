"""The live tree, under a pseudo-terminal that is read the way a terminal would."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

from conftest import ACTANT, PATIENCE_S


class Screen:
    """As much of a terminal as the tree uses: CR, LF, cursor up, erase, colours."""

    def __init__(self, columns, rows):
        self.columns, self.rows = columns, rows
        self.lines, self.row, self.column = [""], 0, 0
        self.widest = 0

    def feed(self, text):
        for part in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|[^\x1b]", text):
            if part == "\n":
                self.row += 1
                self.column = 0
                while len(self.lines) <= self.row:
                    self.lines.append("")
            elif part == "\r":
                self.column = 0
            elif part[0] != "\x1b":
                line = self.lines[self.row].ljust(self.column)
                self.lines[self.row] = line[:self.column] + part + line[self.column + 1:]
                self.column += 1
                self.widest = max(self.widest, self.column)
            elif part[-1] == "A":
                self.row = max(0, self.row - int(part[2:-1] or 1))
            elif part[-1] == "K":
                self.lines[self.row] = self.lines[self.row][:self.column]
            elif part[-1] == "J":
                self.lines[self.row] = self.lines[self.row][:self.column]
                del self.lines[self.row + 1:]
            else:
                assert part[-1] == "m", repr(part)

    def text(self):
        return "\n".join(self.lines)


class Terminal:
    def __init__(self, world, *args, columns=80, rows=24, env=None):
        self.master, slave = pty.openpty()
        self.size(columns, rows)
        self.screen, self.raw = Screen(columns, rows), ""
        self.process = subprocess.Popen([ACTANT, *map(str, args)], stdin=slave, stdout=slave, stderr=slave,
                                        cwd=world.path, env={**world.env, "TERM": "xterm", **(env or {})},
                                        start_new_session=True)
        world.started.append(self.process)
        self.process.communicate = lambda: None
        os.close(slave)

    def size(self, columns, rows):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self):
        ready, _, _ = select.select([self.master], [], [], 0.05)
        if not ready:
            return True
        try:
            text = os.read(self.master, 65536).decode(errors="replace")
        except OSError:
            return False
        self.raw += text
        self.screen.feed(text.replace("\r\n", "\n"))
        return bool(text)

    def until(self, what, condition):
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            if condition(self.screen.text()):
                return
            if not self.read() and not condition(self.screen.text()):
                break
        raise AssertionError(f"never came: {what}\n{self.screen.text()}")

    def finish(self):
        while self.read():
            pass
        code = self.process.wait(timeout=PATIENCE_S)
        os.close(self.master)
        return code


TREE = """
dag:
  build: {run: 'echo compiling; while [ ! -e go ]; do sleep 0.02; done'}
  lint: 'true'
  ship: {needs: [build], run: echo shipped}
"""


def test_what_runs_for_how_long_with_its_tail(world):
    terminal = Terminal(world, "run", world.write(TREE))
    terminal.until("the tail", lambda s: re.search(r"build\s+\d.*s\n\s+│ compiling", s))
    terminal.until("1/3", lambda s: "1/3" in s and "1 running" in s)
    assert re.search("✓ lint", terminal.screen.text())
    (world.path / "go").touch()
    assert terminal.finish() == 0
    text = terminal.screen.text()
    for line in ("✓ build", "✓ lint", "✓ ship", "3/3", "succeeded"):
        assert line in text, text
    assert text.count("✓ build") == 1, text
    assert "\x1b[32m" in terminal.raw


def test_a_failure_stays_on_the_screen(world):
    terminal = Terminal(world, "run", world.write("dag:\n  a: 'echo why >&2; exit 3'\n"))
    assert terminal.finish() == 1
    text = terminal.screen.text()
    assert "✗ a" in text and "exit code 3" in text and "| why" in text and "actant retry" in text


def test_narrow_and_low_terminals_are_not_overrun(world):
    text = "for: ${{ range(40) }}\ndo: {id: a_rather_long_name_of_a_task, run: 'while [ ! -e go ]; do sleep 0.05; done'}\n"
    terminal = Terminal(world, "run", world.write(text), "-j", "40", columns=24, rows=10)
    terminal.until("the tree", lambda s: "more" in s)
    assert terminal.screen.widest <= 24
    assert len(terminal.screen.text().splitlines()) <= 10
    (world.path / "go").touch()
    assert terminal.finish() == 0


def test_a_resize_is_followed(world):
    text = "run: 'while [ ! -e go ]; do echo " + "x" * 150 + "; sleep 0.05; done'"
    terminal = Terminal(world, "run", world.write(text), columns=120, rows=20)
    terminal.until("wide lines", lambda s: any(len(line) > 100 for line in s.splitlines()))
    terminal.size(50, 20)
    terminal.screen.lines, terminal.screen.row, terminal.screen.column = [""], 0, 0
    terminal.screen.widest = 0
    terminal.until("narrow lines", lambda s: "│ x" in s)
    (world.path / "go").touch()
    assert terminal.finish() == 0


def test_no_color(world):
    flow = world.write("run: echo hi")
    terminal = Terminal(world, "run", flow, env={"NO_COLOR": "1"})
    assert terminal.finish() == 0 and "\x1b[3" not in terminal.raw
    done = world("run", flow, code=0)
    assert "\x1b" not in done.err
    assert "\x1b[" in world("run", flow, env={"CLICOLOR_FORCE": "1"}, code=0).err
    assert "\x1b[" in world("run", flow, "--color", "always", code=0).err
    assert "\x1b" not in world("run", flow, "--color", "never", env={"CLICOLOR_FORCE": "1"}, code=0).err


def test_repaints_are_few(world):
    began = time.monotonic()  # before the program begins: it lives no longer than is counted
    terminal = Terminal(world, "run", world.write(
        "run: 'n=0; while [ $n -lt 300 ]; do echo line $n; n=$((n+1)); sleep 0.005; done'"))
    assert terminal.finish() == 0
    elapsed = time.monotonic() - began
    assert len(re.findall(r"\x1b\[\d+A", terminal.raw)) <= elapsed * 10 + 2


def test_ctrl_c_suspends_and_leaves_a_clean_screen(world):
    terminal = Terminal(world, "run", world.write("run: 'touch up; exec sleep 300'"))
    world.wait_file("up")
    terminal.until("the tree", lambda s: "running" in s)
    os.killpg(terminal.process.pid, signal.SIGINT)
    assert terminal.finish() == 130
    assert "suspended" in terminal.screen.text() and "actant resume" in terminal.screen.text()


def test_control_characters_do_not_reach_the_terminal(world):
    text = "run: \"printf '\\\\033[2J\\\\033]0;title\\\\007evil\\\\n'; while [ ! -e go ]; do sleep 0.02; done\""
    terminal = Terminal(world, "run", world.write(text))
    terminal.until("the tail", lambda s: "evil" in s)
    assert "\x1b[2J" not in terminal.raw and "\x07" not in terminal.raw
    (world.path / "go").touch()
    assert terminal.finish() == 0

#!/usr/bin/env python3
"""Proves the house rules that a compiler cannot: arrows between folders, banned functions, vendor
headers in their one adapter, dead files, lengths. test_tidy.py proves that each rule can fail.

    tidy.py [--root DIR] [--compiled compile_commands.json] [--update]

Prints `file:line: rule: what is wrong` and exits 1 if there is anything to say. Lengths over the
limit are kept in tests/tidy/long.txt, a ratchet: an entry may only shrink; --update rewrites it.
"""

import argparse
import json
import os
import re
import sys
from pathlib import Path

FILE_LINES_LISTED = 500  # over this a file needs an entry in long.txt
FILE_LINES_MAX = 800  # over this nothing helps
FUNCTION_LINES_LISTED = 60

CODE_FOLDERS = ("base", "dsl", "engine", "executors", "embed", "cli", "node", "include", "tests", "bench")
TEXT_FOLDERS = CODE_FOLDERS + ("cmake", "docs", "examples", "sdk", "web", ".ci")

# ---- the arrows --------------------------------------------------------------------------------
# A layer, the files that belong to it (first match counts) and what it may include beside itself.

LAYERS = [
    ("base", r"base/", ""),
    ("expr", r"dsl/(expr|pattern)", "base"),
    ("plan", r"dsl/plan", "base expr"),
    ("dsl", r"dsl/", "base expr plan"),
    ("core", r"engine/core/", "base expr plan"),
    ("port", r"engine/port/", "base"),
    ("actor", r"engine/actor/", "base port"),
    ("producer", r"engine/producer/", "base"),
    ("schedule", r"engine/schedule/", "base"),
    ("view", r"engine/view/", "base expr plan core port"),
    ("run", r"engine/run/", "base expr plan core port actor producer"),
    ("io/uv", r"engine/io/uv/", "base port"),
    ("io/sqlite", r"engine/io/sqlite/", "base port"),
    ("io", r"engine/io/", "base port"),
    ("shipped plugins", r"executors/plugin/shipped/", ""),
    ("executors", r"executors/", "base expr plan core port actor run"),
    ("public", r"include/actant/", ""),
    ("embed", r"embed/", "base expr plan dsl core port actor run view io/uv io/sqlite io executors"),
    ("cli", r"cli/", "base expr plan dsl core port run view executors embed"),
    ("node", r"node/", "base io"),
    ("tests", r"(tests|bench)/", "*"),
]

# Vendor headers and the only files that may see them. Tests of an adapter may, too.
VENDORS = {
    "yaml.h": r"(dsl/(reader|yaml)[a-z_]*|bench/yaml_events)\.[ch]$",
    "pcre2.h": r"dsl/pattern\.c$",
    "sqlite3.h": r"(engine/io/sqlite|executors/plugin/shipped|prove|bench/durability)/",
    "zstd.h": r"(engine/io|executors/plugin/shipped)/",
    "uv.h": r"engine/io/uv/",
    "sodium.h": r"(engine/io|executors/plugin/shipped)/",
    "sodium/crypto_hash_sha256.h": r"base/sha256\.c$",
    "git2.h": r"engine/io/git/",
    "microhttpd.h": r"engine/io/http/",
    "curl/curl.h": r"(engine/io/http|executors/plugin/shipped)/",
    "nng/nng.h": r"(engine/io/nng|nng)/",
    "nng/protocol/pubsub0/pub.h": r"engine/io/nng/",
    "nng/protocol/pubsub0/sub.h": r"nng/",
}

# What the pure layers may take from the system: C11 alone, without its clock and threads.
PURE = {"base", "expr", "plan", "dsl", "core"}
C11 = set(
    "assert ctype errno float inttypes limits math setjmp stdalign stdarg stdatomic stdbool stddef "
    "stdint stdio stdlib stdnoreturn string strings".split()
)

# ---- banned functions --------------------------------------------------------------------------
# names, where they are allowed all the same, what to use instead

EDGES = r"(engine/port/|engine/(actor/thread|producer/clock)\.c|engine/io/|executors/|embed/|cli/|tests/|bench/)"
BANNED = [
    ("strcpy strcat strncpy strncat sprintf vsprintf gets stpcpy", None, "act_buf or snprintf"),
    ("strtok strtok_r", None, "act_str and its cursors"),
    ("atoi atol atoll atof", None, "a parser that reports errors"),
    ("localtime gmtime asctime ctime", None, "the _r form behind a port"),
    ("rand srand random srandom drand48 rand_r", r"(tests|bench)/", "the random port or a seeded hash"),
    ("system popen", None, "the process port"),
    ("alloca", None, "an arena"),
    ("tmpnam tempnam mktemp", None, "mkostemp"),
    ("setlocale", None, "nothing: number syntax depends on it"),
    ("time clock_gettime gettimeofday clock", EDGES, "the clock port"),
    ("sleep usleep nanosleep", r"(engine/io|executors|tests|bench)/", "the timer port"),
    ("getrandom getentropy arc4random", EDGES, "the random port"),
    ("getenv secure_getenv", r"(engine/io|executors|embed|cli|tests|bench)/", "a captured environment"),
    ("fork vfork", r"(engine/io|executors|tests|bench)/", "the process port"),
    (
        "malloc calloc realloc reallocarray strdup strndup asprintf vasprintf",
        r"(base/alloc\.c|include/actant/json\.h|executors/plugin/shipped/|tests/|bench/)",
        "act_alloc and friends, which abort when memory is out",
    ),
    (
        "printf fprintf vfprintf vprintf puts fputs putchar perror",
        r"(base/(assert|alloc)\.c|cli/|node/|tests/|bench/)",
        "an event, a diagnostic or struct act_error: only cli prints",
    ),
    ("exit _exit", r"(base/(assert|alloc)\.c|engine/io/|executors/|cli/|tests/|bench/)", "an error code"),
]

# ---- reading C ---------------------------------------------------------------------------------

TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|[^/"\']+|.', re.S
)


def blank(match, keep_strings):
    text = match.group(0)
    if text.startswith(("//", "/*")) or (text[0] in "\"'" and not keep_strings):
        return re.sub(r"[^\n]", " ", text)
    return text


def strip(source, keep_strings=False):
    """The source with comments (and strings) blanked; lines and columns stay."""
    return TOKEN.sub(lambda m: blank(m, keep_strings), source)


def without_preprocessor(code):
    """Blanks directives with their continuation lines."""
    return re.sub(
        r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*",
        lambda m: re.sub(r"[^\n]", " ", m.group(0)),
        code,
        flags=re.M | re.S,
    )


def functions(source):
    """(name, first line, number of lines) of each function defined in the source."""
    code = without_preprocessor(strip(source))
    found = []
    depth = 0
    start = None
    for match in re.finditer(r"[{}]", code):
        if match.group(0) == "{":
            if depth == 0:
                head = re.search(r"(\w+)\s*\((?:[^;{}])*\)\s*$", code[: match.start()])
                start = (head.group(1), head.start()) if head else None
            depth += 1
            continue
        depth -= 1
        if depth == 0 and start:
            first = code.count("\n", 0, start[1]) + 1
            last = code.count("\n", 0, match.start()) + 1
            found.append((start[0], first, last - first + 1))
            start = None
    return found


# ---- rules -------------------------------------------------------------------------------------


class Tidy:
    def __init__(self, root, compiled=None):
        self.root = Path(root)
        self.complaints = []
        self.compiled = compiled
        self.code = {}
        for path in self.walk(CODE_FOLDERS):
            if path.endswith((".c", ".h", ".def")):
                self.code[path] = (self.root / path).read_text(errors="replace")
        self.long = {}

    def walk(self, folders):
        for folder in folders:
            for at, dirs, files in os.walk(self.root / folder):
                dirs[:] = sorted(d for d in dirs if d != "__pycache__")
                for name in sorted(files):
                    yield os.path.relpath(os.path.join(at, name), self.root)

    def say(self, path, line, rule, what):
        self.complaints.append(f"{path}:{line}: {rule}: {what}")

    @staticmethod
    def layer(path):
        for name, pattern, sees in LAYERS:
            if re.match(pattern, path):
                return name, sees.split()
        return None, []

    def includes(self, path):
        code = strip(self.code[path], keep_strings=True)
        for match in re.finditer(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', code, re.M):
            yield code.count("\n", 0, match.start()) + 1, match.group(1) == '"', match.group(2)

    def check_includes(self):
        for path in self.code:
            name, sees = self.layer(path)
            own = path[:-2] + ".h" if path.endswith(".c") else None
            first = True
            for line, quoted, target in self.includes(path):
                if quoted:
                    self.check_project_include(path, line, target, name, sees)
                    mine = (own, own and own[:-2] + "_internal.h")
                    if first and own in self.code and target not in mine:
                        self.say(path, line, "include", f'"{own}" must come first')
                else:
                    self.check_system_include(path, line, target, name)
                    if first and own in self.code:
                        self.say(path, line, "include", f'"{own}" must come first')
                first = False

    def check_project_include(self, path, line, target, name, sees):
        if "../" in target or "/" not in target:
            self.say(path, line, "include", f'"{target}" is not a path from the root')
            return
        if target not in self.code:
            self.say(path, line, "include", f'"{target}" does not exist')
            return
        other, _ = self.layer(target)
        if other not in (name, "public") and "*" not in sees and other not in sees:
            self.say(path, line, "arrow", f'{name} must not see {other} ("{target}")')
        if name != "tests" and other == "tests":
            self.say(path, line, "arrow", f'{name} must not see tests ("{target}")')

    def check_system_include(self, path, line, target, name):
        where = VENDORS.get(target)
        if where and not re.match(where, path) and not re.match("tests/" + where, path):
            self.say(path, line, "vendor", f"<{target}> belongs to {where} alone")
        stem = target[:-2] if target.endswith(".h") else target
        if name in PURE and not where and stem not in C11:
            self.say(path, line, "pure", f"<{target}>: {name} sees C11 only, and no clock")

    def check_banned(self):
        for path, source in self.code.items():
            code = strip(source)
            for names, allowed, instead in BANNED:
                if allowed and re.match(allowed, path):
                    continue
                pattern = r"(?<![\w.>])(" + names.replace(" ", "|") + r")\s*\("
                for match in re.finditer(pattern, code):
                    line = code.count("\n", 0, match.start()) + 1
                    self.say(path, line, "banned", f"{match.group(1)}: use {instead}")

    def check_guards(self):
        seen = {}
        for path, source in self.code.items():
            if not path.endswith(".h"):
                continue
            guard = re.match(r"\s*#ifndef (\w+)\s*\n#define (\w+)\s*\n", strip(source))
            if not guard or guard.group(1) != guard.group(2):
                self.say(path, 1, "guard", "a header begins with #ifndef X and #define X")
            elif guard.group(1) in seen:
                self.say(path, 1, "guard", f"{guard.group(1)} is {seen[guard.group(1)]}'s, too")
            else:
                seen[guard.group(1)] = path

    def check_dead(self):
        included = {}
        for path in self.code:
            for _, quoted, target in self.includes(path):
                if quoted:
                    included.setdefault(target, set()).add(path)
        for path in self.code:
            if path.endswith((".h", ".def")):
                own = path[:-2] + ".c" if path.endswith(".h") else None
                users = {u for u in included.get(path, ()) if u != own}
                if not self.layer(path)[0] == "tests":
                    users = {u for u in users if self.layer(u)[0] != "tests"}
                if not users and self.layer(path)[0] != "public":
                    self.say(path, 1, "dead", "nothing but its own file or a test includes it")
        if self.compiled is None:
            return
        built = {
            os.path.relpath(os.path.join(entry["directory"], entry["file"]), self.root)
            for entry in json.loads(Path(self.compiled).read_text())
        }
        for path in self.code:
            if path.endswith(".c") and self.layer(path)[0] != "tests" and path not in built:
                self.say(path, 1, "dead", "no target compiles it")

    def check_lengths(self, listed):
        for path, source in self.code.items():
            lines = source.count("\n")
            if lines > FILE_LINES_MAX:
                self.say(path, 1, "length", f"{lines} lines; {FILE_LINES_MAX} is the most")
            if self.layer(path)[0] != "tests":
                self.check_length(path, 1, path, lines, FILE_LINES_LISTED, listed)
                for name, line, count in functions(source):
                    self.check_length(
                        path, line, f"{path}:{name}", count, FUNCTION_LINES_LISTED, listed
                    )
        for key in listed:
            if key not in self.long:
                self.say("tests/tidy/long.txt", 1, "length", f"{key} is short now: remove it")

    def check_length(self, path, line, key, lines, limit, listed):
        if lines <= limit:
            return
        self.long[key] = lines
        if lines > listed.get(key, limit):
            self.say(path, line, "length", f"{key} has {lines} lines, {listed.get(key, limit)} allowed")

    def check_text(self):
        # Written in pieces so that this file passes its own rule.
        machine = re.compile("/wo" + "rk/|/ro" + "ot/|/mn" + "t/|/bash_" + "jobs")
        unfinished = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
        conflict = re.compile(r"^(<{7}|>{7}) ")
        tops = [p.name for p in self.root.iterdir() if p.is_file() and p.name != ".git"]
        for path in list(self.walk(TEXT_FOLDERS)) + sorted(tops):
            if "/corpus/" in path or path == "LICENSE":
                continue
            data = (self.root / path).read_bytes()
            if b"\0" in data[:4096]:
                continue
            for number, text in enumerate(data.decode(errors="replace").splitlines(), 1):
                if machine.search(text):
                    self.say(path, number, "path", "a path of one machine")
                if unfinished.search(text) and not path.startswith("examples/"):
                    self.say(path, number, "unfinished", "finish it, or open an issue")
                if conflict.match(text):
                    self.say(path, number, "conflict", "a merge was not finished")

    def check_links(self):
        pages = [p for p in self.walk(("docs", "bench", "tests", "examples")) if p.endswith(".md")]
        pages += [p.name for p in self.root.glob("*.md")]
        for page in pages:
            text = (self.root / page).read_text(errors="replace")
            text = re.sub(r"^```.*?^```", lambda m: "\n" * m.group(0).count("\n"), text, flags=re.M | re.S)
            text = re.sub(r"`[^`\n]*`", "", text)
            for match in re.finditer(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
                target = match.group(1)
                if re.match(r"[a-z]+:", target):
                    continue
                if not (self.root / page).parent.joinpath(target).exists():
                    line = text.count("\n", 0, match.start()) + 1
                    self.say(page, line, "link", f"{target} does not exist")

    def run(self, listed):
        self.check_includes()
        self.check_banned()
        self.check_guards()
        self.check_dead()
        self.check_lengths(listed)
        self.check_text()
        self.check_links()
        return self.complaints


def read_listed(path):
    rows = [line.split() for line in path.read_text().splitlines()] if path.exists() else []
    return {row[0]: int(row[1]) for row in rows if row and not row[0].startswith("#")}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", default=Path(__file__).resolve().parents[2])
    parser.add_argument("--compiled")
    parser.add_argument("--update", action="store_true")
    options = parser.parse_args()
    ratchet = Path(options.root) / "tests/tidy/long.txt"
    tidy = Tidy(options.root, options.compiled)
    complaints = tidy.run(read_listed(ratchet))
    if options.update:
        rows = [f"{key} {lines}" for key, lines in sorted(tidy.long.items())]
        ratchet.write_text(
            "# Files over 500 and functions over 60 lines. Entries only shrink; see tidy.py.\n"
            + "".join(row + "\n" for row in rows)
        )
        complaints = Tidy(options.root, options.compiled).run(read_listed(ratchet))
    for complaint in complaints:
        print(complaint)
    print(f"{len(complaints)} complaints, {len(tidy.code)} files, {len(tidy.long)} long")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())

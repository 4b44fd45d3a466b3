"""Each house rule fails on a snippet that breaks it, and on nothing else."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import tidy  # noqa: E402

CLEAN = {
    "base/str.h": "/* Strings. */\n#ifndef ACT_BASE_STR_H\n#define ACT_BASE_STR_H\n"
    "int act_str(void);\n#endif\n",
    "base/str.c": '#include "base/str.h"\n\n#include <string.h>\n\nint\nact_str(void)\n{\n'
    '    const char *s = "strcpy(a, b)"; /* sprintf( */\n    return s[0] == \'{\';\n}\n',
    "engine/core/run.c": '#include "base/str.h"\n\nint run_me(void);\nint\nrun_me(void)\n{\n'
    "    return act_str() + clocks.time(1);\n}\n",
}


def complaints(tmp_path, extra, listed=None, compiled=None):
    for path, text in {**CLEAN, **extra}.items():
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    if compiled is not None:
        entries = [{"directory": str(tmp_path), "file": str(tmp_path / p)} for p in compiled]
        (tmp_path / "cc.json").write_text(json.dumps(entries))
    return tidy.Tidy(tmp_path, tmp_path / "cc.json" if compiled is not None else None).run(listed or {})


def header(name, body=""):
    return f"#ifndef {name}\n#define {name}\n{body}#endif\n"


BROKEN = {
    "core sees dsl": (
        "arrow",
        {
            "dsl/tree.h": header("ACT_DSL_TREE_H"),
            "dsl/check.c": '#include "dsl/tree.h"\n',
            "engine/core/fold.c": '#include "dsl/tree.h"\n',
        },
    ),
    "expr sees plan": (
        "arrow",
        {"dsl/plan.h": header("ACT_DSL_PLAN_H"), "dsl/expr_eval.c": '#include "dsl/plan.h"\n'},
    ),
    "base sees core": (
        "arrow",
        {
            "engine/core/event.h": header("ACT_EVENT_H"),
            "base/map.c": '#include "engine/core/event.h"\n',
        },
    ),
    "an adapter from run": (
        "arrow",
        {
            "engine/io/uv/loop.h": header("ACT_LOOP_H"),
            "engine/run/owner.c": '#include "engine/io/uv/loop.h"\n',
        },
    ),
    "one adapter from another": (
        "arrow",
        {
            "engine/io/uv/loop.h": header("ACT_LOOP_H"),
            "engine/io/sqlite/db.c": '#include "engine/io/uv/loop.h"\n',
        },
    ),
    "yaml in cli": ("vendor", {"cli/main.c": "#include <yaml.h>\n"}),
    "pcre2 in dsl": ("vendor", {"dsl/check.c": "#include <pcre2.h>\n"}),
    "sqlite in run": ("vendor", {"engine/run/a.c": "#include <sqlite3.h>\n"}),
    "system header in core": ("pure", {"engine/core/a.c": "#include <unistd.h>\n"}),
    "clock header in core": ("pure", {"engine/core/a.c": "#include <time.h>\n"}),
    "relative include": ("include", {"base/a.c": '#include "../base/str.h"\n'}),
    "bare include": ("include", {"base/a.c": '#include "str.h"\n'}),
    "absent include": ("include", {"base/a.c": '#include "base/none.h"\n'}),
    "own header late": (
        "include",
        {"base/str.c": '#include <string.h>\n#include "base/str.h"\n'},
    ),
    "strcpy": ("banned", {"cli/a.c": "int f(void) { strcpy(a, b); }\n"}),
    "sprintf": ("banned", {"tests/base/a_test.c": "int f(void) { sprintf (a, b); }\n"}),
    "time in core": ("banned", {"engine/core/a.c": "int f(void) { return time(0); }\n"}),
    "print in core": ("banned", {"engine/core/a.c": 'int f(void) { printf("x"); }\n'}),
    "malloc": ("banned", {"cli/a.c": "int f(void) { malloc(1); }\n"}),
    "guard": ("guard", {"cli/a.h": "int a;\n", "cli/a.c": "", "cli/b.c": '#include "cli/a.h"\n'}),
    "guard twice": (
        "guard",
        {"cli/a.h": header("ACT_BASE_STR_H"), "cli/b.c": '#include "cli/a.h"\n'},
    ),
    "dead header": ("dead", {"cli/a.h": header("A_H"), "cli/a.c": '#include "cli/a.h"\n'}),
    "long file": ("length", {"base/a.c": "int x;\n" * 501}),
    "long function": ("length", {"base/a.c": "int\nf(void)\n{\n" + "    g();\n" * 60 + "}\n"}),
    "machine path": ("path", {"docs/a.md": "see /wo" + "rk/main\n"}),
    "unfinished": ("unfinished", {"cli/a.c": "/* TO" + "DO: all of it */\n"}),
    "broken link": ("link", {"docs/a.md": "[x](none.md)\n"}),
}


def test_clean_tree_passes(tmp_path):
    assert complaints(tmp_path, {}) == []


@pytest.mark.parametrize("name", BROKEN)
def test_rule_fails(tmp_path, name):
    rule, files = BROKEN[name]
    found = complaints(tmp_path, files)
    assert {c.split(": ")[1] for c in found} == {rule}, found


def test_source_that_no_target_compiles(tmp_path):
    built = [p for p in CLEAN if p.endswith(".c")]
    assert complaints(tmp_path, {}, compiled=built) == []
    assert "dead" in complaints(tmp_path, {}, compiled=built[1:])[0]


def test_ratchet(tmp_path):
    long = {"base/a.c": "int x;\n" * 600}
    assert complaints(tmp_path, long, {"base/a.c": 600}) == []
    assert complaints(tmp_path, long, {"base/a.c": 599}) != []
    assert complaints(tmp_path, {"base/a.c": "int x;\n" * 900}, {"base/a.c": 900}) != []
    assert complaints(tmp_path, {"base/a.c": "int x;\n"}, {"base/a.c": 600}) != []


def test_functions_are_measured():
    source = (
        "#define BEGIN {\nstatic const int table[] = {\n1,\n};\nint\none(int a)\n{\n"
        "    if (a) { return '}'; }\n    return 0; /* } */\n}\nstruct s {\nint x;\n};\n"
        "void two(void) {\n}\n"
    )
    assert tidy.functions(source) == [("one", 6, 5), ("two", 14, 2)]


def test_counting_of_cases(tmp_path):
    """`N passed, N failed` counts cases, and a program that broke is never a pass."""
    junit = """<testsuite>
    <testcase name="a" status="run"><system-out>[  PASSED  ] 3 test(s).</system-out></testcase>
    <testcase name="b" status="fail"><system-out>[  PASSED  ] 2 test(s).
[  SKIPPED ] 1 test(s), listed below:
[  FAILED  ] 4 test(s), listed below:</system-out></testcase>
    <testcase name="c" status="run"><system-out>....
5 passed, 2 skipped in 0.10s</system-out></testcase>
    <testcase name="d" status="fail"><system-out>== 1 failed, 1 passed, 2 errors in 1.0s ==
    </system-out></testcase>
    <testcase name="e" status="fail"><system-out>Segmentation fault</system-out></testcase>
    <testcase name="f" status="fail"><system-out>[  PASSED  ] 7 test(s).
LeakSanitizer: detected memory leaks</system-out></testcase>
    <testcase name="g" status="run"><system-out>fine</system-out></testcase>
    <testcase name="h" status="notrun"/>
    </testsuite>"""
    (tmp_path / "junit.xml").write_text(junit)
    counter = Path(__file__).parents[1] / "count.py"
    out = subprocess.run([sys.executable, counter, tmp_path / "junit.xml"], capture_output=True)
    passed, failed, skipped = 3 + 2 + 5 + 1 + 7 + 1, 4 + 3 + 1 + 1 + 1, 1 + 2
    assert out.stdout.decode().split() == [str(passed), str(failed), str(skipped)]

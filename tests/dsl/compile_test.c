/* The compiler: what compiles and what does not, and what the plan says. The texts of diagnostics are
 * the case files' (tests/cases/errors). */
#include "dsl/compile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static const struct {
    const char *path, *text;
} files[] = {
    {"sub.yaml", "params: {n: {type: integer, required: true}}\nvalue: ${{ params.n }}\n"},
    {"lib/a.yaml", "workflow: ../sub.yaml\nwith: {n: 1}\n"},
    {"self.yaml", "chain: [make, {workflow: self.yaml}]\n"},
    {"guarded.yaml", "{if: prev > 1, workflow: guarded.yaml}\n"},
    {"bad.yaml", "run: make\ntimout: 5m\n"},
};

static enum act_err
find(void *self, struct act_str path, struct act_arena *arena, struct act_str *ret_text,
     struct act_error *err)
{
    (void)self;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        if (!act_str_is(path, files[i].path))
            continue;
        *ret_text = act_arena_str(arena, act_str(files[i].text));
        return ACT_OK;
    }
    return act_error_set(err, ACT_ERR_NOT_FOUND, "there is no such file");
}

static void
compile(const char *text, struct act_compiled *ret)
{
    const struct act_compile_options options = {.find = find, .name = ACT_STR("test")};
    act_compile(ACT_STR("test.yaml"), act_str(text), &options, ret);
    assert_int_equal(ret->plan == NULL, ret->diags.error_count > 0);
}

/* The codes of all diagnostics, in order, with blanks between; each must have a help line. */
static void
check(const char *text, const char *codes)
{
    struct act_compiled c;
    struct act_buf found = {0};
    compile(text, &c);
    for (uint32_t i = 0; i < c.diags.list.len; i++) {
        const struct act_diag *d = &c.diags.list.ptr[i];
        act_buf_printf(&found, "%s%s", i ? " " : "", d->code);
        if (d->help.len == 0)
            act_buf_printf(&found, "(no help: %.*s)", ACT_STR_ARG(d->message));
    }
    if (!act_str_is(act_buf_str(&found), codes)) {
        act_diags_print(&found, &c.diags, &c.sources, ACT_DIAG_PRETTY, false);
        fail_msg("%s\n--- wanted: %s\n--- got: %s", text, codes, found.ptr);
    }
    act_buf_fini(&found);
    act_compiled_fini(&c);
}

struct row {
    const char *text, *codes;
};
#define CHECK_ALL(rows)                                                                            \
    for (size_t i = 0; i < sizeof(rows) / sizeof((rows)[0]); i++)                                  \
    check((rows)[i].text, (rows)[i].codes)

static void
nodes(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"run: echo hello", ""},
        {"run: true", ""},
        {"run:", "wrong-type"},
        {"chain: [echo a, [echo b, echo c], {group: []}]", ""},
        {"- a", "wrong-type"},
        {"echo a", "wrong-type"},
        {"{}", "missing-kind"},
        {"chain: [null]", "missing-kind"},
        {"if: 1 < 2\nrun: make", ""},
        {"if: 1 < 2\nthen: make\nelse: make clean", ""},
        {"if: 1 < 2\nthen: make\nrun: make", "two-kinds"},
        {"if: 1 < 2", "missing-kind"},
        {"then: make", "missing-kind"},
        {"run: make\nthen: make", "misplaced-key"},
        {"x-note: 1\nrun: make\nx-more: [a]", ""},
        {"dag: {x-common: 1, a: make}", ""},
        {"exec: [ls, -l, 1, true]", ""},
        {"exec: []", "wrong-type"},
        {"exec: ls", "wrong-type"},
        {"params: {argv: {type: list}}\nexec: ${{ params.argv }}", ""},
        {"params: {argv: {type: list}}\nexec: [ls, '${{ params.argv }}', 'a${{ prev }}']", ""},
        {"sleep: 2s", ""},
        {"wait: go\nfresh: true\napprove: [ann]\nparams: {}", "" /* the file's */},
        {"chain: [{wait: go, params: {n: {type: integer}}}]", ""},
        {"signal: go\nwith: {a: 1}\nto: ${{ run.id }}", ""},
        {"value: {a: [1, '${{ 1 + 1 }}', null]}", ""},
        {"fail: {message: no, type: bad}", ""},
        {"fail: [a]", "wrong-type"},
        {"return: null", ""},
        {"group: []", ""},
        {"chain: []", "empty-node"},
        {"chord: {group: [], then: make}", ""},
        {"chord: {group: [make]}", "missing-key"},
        {"chord: {for: [1], do: make, then: make}\nquorum: 1\ncollect: true", ""},
        {"chord: {group: [make], then: make, retry: 2}", "misplaced-key"},
        {"chord: {group: [make], for: [1], then: make}", "missing-key"},
        {"race: {for: [1, 2], do: make}\nquorum: 1", ""},
        {"race: {matrix: {a: [1]}, do: make}", ""},
        {"race: {dag: {a: make}}", "wrong-type"},
        {"race: [a, b]\nquorum: 3", "wrong-value"},
        {"while: prev < 3\ndo: {value: '${{ prev + 1 }}'}\nmax: none", ""},
        {"while: prev < 3\ndo: make\nmax: 0", "wrong-value"},
        {"until: prev\ndo: make\nwhile: prev", "two-kinds"},
        {"try: make", "missing-key"},
        {"try: make\ncatch: make clean\nfinally: date", ""},
        {"switch: prev\ncases: {a: make, b: make}\ndefault: make", ""},
        {"switch: b\ncases: {a: make}", "unknown-name"},
        {"switch: \"'b'\"\ncases: {a: make}", ""},
        {"switch: prev", "missing-key"},
        {"matrix: {os: [a, b], include: [{os: c, x: 1}], exclude: [{os: a}]}\ndo: echo ${{ "
         "matrix.x }}",
         ""},
        {"matrix: {os: [a, b], exclude: [{on: a}]}\ndo: echo ${{ matrix.so }}",
         "unknown-member unknown-member"},
        {"matrix: {os: linux}\ndo: make", "wrong-type"},
    };
    CHECK_ALL(rows);
}

static void
attributes(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"run: make\nretry: {max: 2, delay: 1s, backoff: 1.5, max_delay: 1m, jitter: 0.5, when: "
         "[1, timeout, /x/]}",
         ""},
        {"run: make\nretry: {delay: 1s}", "missing-key"},
        {"run: make\nretry: {max: -1}", "wrong-value"},
        {"run: make\nretry: {max: 1, when: [256, tiemout, '/(/']}",
         "wrong-value wrong-value bad-pattern"},
        {"run: make\nretry: {max: 1, backoff: 0.5, jitter: 2}", "wrong-value wrong-value"},
        {"run: make\nretry: {max: 1, wen: 1}", "unknown-key"},
        {"run: make\nretry: '${{ params.n }}'\nparams: {n: {type: integer}}", ""},
        {"run: make\nretry: 3x", "wrong-value"},
        {"run: make\nlimits: [db, disk]", ""},
        {"run: make\nlimits: {db: 4, api: 10/m, disk: 1/1h30m, net: null}", ""},
        {"run: make\nlimits: {db: none}", "wrong-value"},
        {"run: make\nlimits: {db: 0}", "wrong-value"},
        {"run: make\ntimeout: 5", "bad-duration"},
        {"run: make\ntimeout: '${{ params.t }}'\nparams: {t: {}}", ""},
        {"run: make\nat: 2026-01-31T08:30:00Z", ""},
        {"run: make\nat: tomorrow", "bad-instant"},
        {"run: make\nat: 2026-01-31T08:30:00Z\ndelay: 1s", "two-kinds"},
        {"run: make\non_error: continue\noutput: lines\nidempotent: false\npriority: -3", ""},
        {"run: make\non_error: contine", "wrong-value"},
        {"run: make\nenv: {A: 1, B: null, C: true, D: 3.10}", ""},
        {"run: make\nenv: {A: [1], 'B=': x}", "wrong-type bad-name"},
        {"run: make\nenv: [A]", "wrong-type"},
        {"run: make\noutputs: {a: '${{ prev }}', b: {c: 1}}", ""},
        {"run: make\nshell: bash", ""},
        {"run: make\nshell: [awk, -f, '{0}']", ""},
        {"run: make\nshell: ''", "wrong-type"},
        {"run: make\nshell: ${{ prev }}", "expression-here wrong-type"},
        {"run: make\nargs: [a, '${{ prev }}', 1]", ""},
        {"run: make\nargs: a", "wrong-type"},
        {"run: make\ncache: true\nartifacts: {a: out/*}\nimage: debian\nresources: {cpus: 2}", ""},
        {"run: make\nartifacts: {a: /etc/passwd}", "wrong-value"},
        {"run: make\nartifacts: {a: [x]}", "wrong-type"},
        {"run: make\nartifacts: {1a: x}", "bad-name"},
        {"run: make\nartifacts: out", "wrong-type"},
        {"chain: [{id: a, run: make, artifacts: {b: x}}, 'echo ${{ nodes.a.artifacts.c }}']",
         "unknown-member"},
        {"chain: [{id: a, run: make}, 'echo ${{ nodes.a.artifacts.c }}']", "unknown-member"},
        {"chain: [{id: a, run: make, artifacts: {b: x}}, 'echo ${{ nodes.a.artifacts.b }}']", ""},
        {"run: make\ncache: {fils: x}", "unknown-key"},
        {"run: make\ncache: {key: '${{ params }}', files: [src/**, '!src/x'], max_age: 7d}", ""},
        {"run: make\ncache: ${{ params.x == 1 }}", "unknown-param"},
        {"run: make\ncache: ${{ git.dirty }}", ""},
        {"run: make\ncache: yes", "wrong-type"},
        {"run: make\ncache:", "wrong-type"},
        {"run: make\ncache: [a]", "wrong-type"},
        {"run: make\ncache: a-${{ git.commit }}", "wrong-type"},
        {"run: make\ncache: {max_age: 0}", "wrong-value"},
        {"run: make\ncache: {max_age: 7}", "bad-duration"},
        {"run: make\ncache: {max_age: [7d]}", "wrong-type"},
        {"run: make\ncache: {files: /etc/passwd}", "wrong-value"},
        {"run: make\ncache: {files: []}", "wrong-value"},
        {"run: make\ncache: {files: {a: b}}", "wrong-type"},
        {"run: make\ncache: {files: [[a]]}", "wrong-type"},
        {"run: make\ncache: {key: }", "wrong-type"},
        {"run: make\ncache: {key: '${{ secrets.T }}'}", "secret-place"},
        {"value: 1\ncache: true", "misplaced-key"},
        {"sleep: 1s\ncache: true", "misplaced-key"},
        {"call: a.b\nactors: {a: {python: 'm:C'}}\ncache: true", "misplaced-key"},
        {"python: a:b\nwith: {t: '${{ secrets.T }}'}\nargs: [1]", ""},
        {"python: ab", "wrong-value"},
        {"plugin: lib:task\nisolation: thread", ""},
        {"call: a.b", "unknown-actor"},
        {"call: a.b\nactors: {a: {python: 'm:C', scope: global}}", ""},
        {"call: a.b\nactors: {a: {python: 'm:C', checkpoint: 10, idle: 5m}}", ""},
        {"call: a.b\nactors: {a: {plugin: 'm:C', idle: soon}}", "bad-duration"},
        {"call: a.b\nactors: {a: {plugin: 'm:C', checkpoint: 1.5}}", "wrong-value"},
        {"call: a._b\nactors: {a: {plugin: 'm:C'}}", "bad-name"},
        {"chain: [make]\nfresh: true", "misplaced-key"},
        {"fail: no\nundo: make", "misplaced-key"},
        {"defaults: {timeout: 5m, retry: 2, env: {A: 1}, shell: bash}\nchain: [make, {sleep: 1s}]",
         ""},
        {"defaults: {needs: a, timeot: 1s}\nrun: make", "misplaced-key unknown-key"},
    };
    CHECK_ALL(rows);
}

static void
references(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"chain: [{id: a, run: date}, {value: '${{ nodes.a.result }}'}]", ""},
        {"chain: [{id: a, run: date}, {value: '${{ nodes[''a''].outputs.x }}'}]", ""},
        {"chain: [{value: '${{ nodes.a.status }}'}, {id: a, run: date}]", ""},
        {"chain: [{id: a, run: date}, {value: '${{ nodes.a.reslt }}'}]", "unknown-member"},
        {"value: ${{ toJSON(nodes) }}", "expression"},
        {"value: ${{ env[prev] }}", "expression"},
        {"chain: [{id: a, group: [{id: b, run: date}]}, {value: '${{ nodes.b.result }}'}]", ""},
        {"chain: [{id: a, group: [{id: b, run: date}], collect: true}, {value: '${{ nodes.b.result "
         "}}'}]",
         "maybe-missing"},
        {"chain: [{id: a, race: [{id: b, run: date}, make]}, {value: '${{ nodes.b.result }}'}]",
         "maybe-missing"},
        {"chain: [{try: {id: b, run: date}, catch: make}, {value: '${{ nodes.b.result }}'}]",
         "maybe-missing"},
        {"chain: [{try: {id: b, run: date}, finally: make}, {value: '${{ nodes.b.result }}'}]", ""},
        {"try: {id: b, run: date}\ncatch: {value: \"${{ default(nodes.b.result, '') }}\"}", ""},
        {"try: {id: b, run: date}\nfinally: {value: '${{ nodes.b.result }}'}", "maybe-missing"},
        {"try: {id: b, run: date}\ncatch: {value: '${{ nodes.b.error.message }}'}", ""},
        {"try: {value: '${{ nodes.c.result }}'}\ncatch: {id: c, run: date}", "not-ended"},
        {"chain: [{id: a, if: run.id, run: date}, {if: \"nodes.a.status == 'succeeded'\", value: "
         "'${{ nodes.a.result }}'}]",
         ""},
        {"chain: [{id: a, if: run.id, run: date}, {if: \"nodes.a.status == 'succeeded' && "
         "nodes.a.result\", run: make}]",
         ""},
        {"chain: [{id: a, if: run.id, run: date}, {if: \"nodes.a.status != 'succeeded'\", then: "
         "make, else: {value: '${{ nodes.a.result }}'}}]",
         ""},
        {"chain: [{id: a, if: run.id, run: date}, {if: \"nodes.a.status != 'failed'\", value: '${{ "
         "nodes.a.result }}'}]",
         "maybe-missing"},
        {"chain: [{id: a, run: date, on_error: continue}, {if: \"nodes.a.status == 'failed'\", "
         "value: '${{ nodes.a.error.message }}'}]",
         ""},
        {"dag: {a: {if: run.id, run: date}, b: {needs: a, value: '${{ nodes.a.result }}'}}", ""},
        {"dag: {a: {run: date}, b: {needs: {a: failed}, value: '${{ nodes.a.error }}'}}", ""},
        {"dag: {a: {run: date}, b: {needs: a, run: date}, c: {needs: b, value: '${{ nodes.a.result "
         "}}'}}",
         ""},
        {"dag: {a: {run: date}, b: {needs: {a: ended}, run: date}, c: {needs: b, value: '${{ "
         "nodes.a.result }}'}}",
         "maybe-missing"},
        {"chain: [{dag: {a: {if: run.id, run: date}, b: {needs: a, run: date}}}, {value: '${{ "
         "nodes.b.result }}'}]",
         "maybe-missing"},
        {"chord: {group: [{id: a, run: date}], then: {value: '${{ nodes.a.result }}'}}", ""},
        {"chord: {group: [{id: a, run: date}, make], then: {value: '${{ nodes.a.result "
         "}}'}}\nquorum: 1",
         "not-ended"},
        {"until: nodes.t.result == 'x'\ndo: {id: t, run: date}", ""},
        {"while: nodes.t.result == 'x'\ndo: {id: t, run: date}", "unknown-id"},
        {"for: [1]\ndo: [{id: t, run: date}, {value: '${{ nodes.t.result }}'}]", ""},
        {"chain: [{for: [1], do: {id: t, run: date}}, {value: '${{ nodes.t.result }}'}]",
         "unknown-id"},
        {"chain: [{id: t, run: date}, {for: [1], do: {id: t, run: date}}]", "duplicate-id"},
        {"chain: [{for: [1], do: {id: t, run: date}}, {for: [1], do: {id: t, run: date}}]", ""},
        {"id: x\nchain: [{id: y, run: date}]\noutputs: {a: '${{ nodes.y.result }}'}", ""},
        {"id: x\nrun: date\noutputs: {a: '${{ nodes.x.result }}'}", "not-ended"},
        {"chain: [{id: x, run: date, undo: {value: '${{ nodes.x.result }}'}}]", ""},
        {"value: ${{ error.message }}", "unknown-name"},
        {"value: ${{ item }}", "unknown-name"},
        {"value: ${{ loop.index }}", "unknown-name"},
        {"for: [1]\nas: x\ndo: {value: '${{ x }} ${{ loop.index }}'}", ""},
        {"for: [1]\nas: x\ndo: {value: '${{ item }}'}", "unknown-name"},
        {"for: [[1]]\ndo: {for: item, do: {value: '${{ item }}'}}", ""},
        {"for: [1]\nas: x\ndo: {for: [2], as: x, do: make}", "hidden-name"},
        {"for: [1]\nas: env\ndo: make", "hidden-name"},
        {"tasks: {t: {value: '${{ nodes.a.result }}'}}\nchain: [{id: a, run: date}, {task: t}]",
         "unknown-id"},
        {"chain: [{id: a, run: date}, {cancel: [a, b]}]", "unknown-id"},
        {"id: a\nchain: [{cancel: a}]", "cancel-self"},
        {"chain: [{id: l, run: date, output: lines}, {for: nodes.l.result, do: make}]", ""},
        {"for: 3\ndo: make", "for-text"},
        {"for: range(3)\ndo: make", ""},
        {"for: params.x\nparams: {x: {}}\ndo: make", "for-text"},
        {"for: {a: 1}\ndo: make", "for-text"},
    };
    CHECK_ALL(rows);
}

static void
expressions(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"value: ${{ 1 / 0 }}", ""},
        {"value: a ${{ prev }} b ${{ now() }}", ""},
        {"value: ${{ prev", "expression"},
        {"if: ${{ prev }}\nrun: make", ""},
        {"if: ' ${{ prev }} '\nrun: make", ""},
        {"if: ${{ prev }} == 1\nrun: make", "text-around-expression"},
        {"if: ${{ prev }}${{ prev }}\nrun: make", "text-around-expression"},
        {"if: [1]\nrun: make", "wrong-type"},
        {"if: true\nrun: make", ""},
        {"id: ${{ prev }}\nrun: make", "bad-id"},
        {"params: {p: {enum: [a, b]}}\nif: params.p == 'A'\nrun: make", ""},
        {"params: {p: {enum: [a, b]}}\nif: params.p == 'c' || 'd' != params['p']\nrun: make",
         "never-equal never-equal"},
        {"params: {p: {type: integer, enum: [1, 2]}}\nif: params.p == 2\nrun: make", ""},
        {"params: {p: {type: integer, enum: [1, 2]}}\nif: params.p == 3\nrun: make", "never-equal"},
        {"params: {p: {enum: [a, b]}}\nswitch: params.p\ncases: {a: make, d: make}", "never-equal"},
        {"params: {p: {}}\nvalue: ${{ params.q }}", "unknown-param"},
        {"params: {p: {}}\nvalue: ${{ toJSON(params) }}", ""},
        {"env: {T: '${{ secrets.T }}'}\nrun: use \"$T\"", ""},
        {"env: {T: '${{ secrets.T }}'}\nrun: use ${{ env.T }}", "secret-place"},
        {"secrets: [A]\nrun: make\nstdin: ${{ secrets.B }}", "unknown-member"},
        {"secrets: {A: x}\nrun: make", "wrong-type"},
        {"value: ${{ secrets.A }}", "secret-place"},
        {"run: cat ${{ prev }}", ""},
        {"shell: python3\nrun: print(${{ prev }})", "shell-code"},
        {"shell: python3\nchain: [{run: 'print(1)'}, {shell: sh, run: 'echo ${{ prev }}'}]", ""},
    };
    CHECK_ALL(rows);
}

static void
calls(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"tasks: {t: make}\ntask: t", ""},
        {"tasks: {t: make}\ntask: u", "unknown-task"},
        {"tasks: {t: {run: make}}\ntask: t\nenv: {A: 1}\noutput: json\ntimeout: 1s", ""},
        {"tasks: {t: [make]}\ntask: t\noutput: json", "misplaced-key"},
        {"tasks: {t: {run: make}}\ntask: t\nwith: {a: 1}", "misplaced-key"},
        {"tasks: {t: {python: 'a:b', with: {x: 1}}}\ntask: t\nwith: {y: 2}", ""},
        {"tasks: {t: {params: {n: {type: integer}}, run: make}}\ntask: t", ""},
        {"tasks: {t: {params: {n: {required: true}}, run: make}}\ntask: t", "missing-param"},
        {"tasks: {t: {params: {n: {type: integer}}, run: make}}\ntask: t\nwith: {n: x}",
         "wrong-value"},
        {"tasks: {t: {params: {n: {type: integer}}, run: make}}\ntask: t\nwith: {n: 1, m: 1}",
         "unknown-param"},
        {"tasks: {t: {params: {n: {type: integer}}, run: make}}\ntask: t\nwith: ${{ prev }}", ""},
        {"tasks: {a: {task: b}, b: {params: {n: {required: true}}, run: make}}\ntask: a\nwith: {n: "
         "1}",
         ""},
        {"tasks: {a: [{task: a}]}\ntask: a", "endless"},
        {"tasks: {a: [{if: prev, task: a}]}\ntask: a", ""},
        {"tasks: {a: [{wait: go}, {task: a}]}\ntask: a", ""},
        {"tasks: {a: [{task: a}, {wait: go}]}\ntask: a", "endless"},
        {"tasks: {a: {try: make, catch: {task: a}}}\ntask: a", ""},
        {"tasks: {a: {for: prev, do: {task: a}}}\ntask: a", ""},
        {"tasks: {a: [{task: a, env: {X: 1}}]}\ntask: a", "endless"},
        {"tasks: {a: [make, {if: prev, task: a, env: {X: 1}}]}\ntask: a", ""},
        {"tasks: {a: [{id: n, run: make}, {if: prev, task: a, env: {X: '${{ nodes.n.result "
         "}}'}}]}\ntask: a",
         "endless"},
        {"tasks: {unused: {run: make, timout: 1s}}\nrun: make", "unknown-key"},
        {"tasks: {a: {limits: db, run: make}}\nlimits: disk\nchain: [{task: a}]", "nested-limits"},
        {"tasks: {a: {limits: db, run: make}}\ntask: a", ""},
        {"workflow: sub.yaml\nwith: {n: 1}", ""},
        {"workflow: sub.yaml", "missing-param"},
        {"workflow: lib/a.yaml", ""},
        {"workflow: ./lib/../lib/a.yaml", ""},
        {"workflow: none.yaml", "unknown-workflow"},
        {"workflow: /etc/x.yaml", "unknown-workflow"},
        {"workflow: self.yaml", "endless"},
        {"workflow: guarded.yaml", ""},
        {"workflow: bad.yaml", "unknown-key"},
        {"group: [{limits: {a: 1}, run: make}, {limits: {a: 2}, run: make}]", "limits-differ"},
        {"group: [{limits: {a: 2}, run: make}, {limits: a, run: make}]", ""},
    };
    CHECK_ALL(rows);
}

static void
tops(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"actant: 1\nname: x\nlabels: {a: b}\nretention: {keep: 3}\nnotify: {}\nrun: make", ""},
        {"actant: 2\nrun: make", "version"},
        {"triggers: {schedule: {cron: '0 6 * * mon-fri', timezone: Europe/Berlin, catchup: all, "
         "jitter: 5m}}\nrun: make",
         ""},
        {"triggers: {schedule: [{cron: '@daily'}, {cron: '*/5 0-6,12 1 jan *'}]}\nrun: make", ""},
        {"triggers: {schedule: [{cron: '* * * *'}, {timezone: UTC}, {cron: '@daily', catchup: "
         "some}]}\nrun: make",
         "bad-cron missing-key wrong-value"},
        {"triggers: {push: {branches: [main], paths: src/*}, file: {paths: [a]}, webhook: "
         "{}}\nrun: make",
         ""},
        {"triggers: {psh: {}}\nrun: make", "unknown-key"},
        {"concurrency: {max: 1, group: a, when_full: skip}\nrun: make", ""},
        {"concurrency: {max: 0, when_full: wait}\nrun: make", "wrong-value wrong-value"},
        {"params: {n: {type: integer, default: 3, description: how many}}\nrun: make", ""},
        {"params: {n: {type: string, default: 3.10, pattern: '^3'}}\nrun: make", ""},
        {"params: {n: {type: integer, pattern: x}}\nrun: make", "bad-param"},
        {"params: {n: {default: '${{ prev }}'}}\nrun: make", "expression-here"},
        {"params: {n: {enum: [a], default: b}}\nrun: make", "bad-param"},
        {"chain: [{run: make, params: {}}]", "misplaced-key"},
        {"chain: [{run: make, triggers: {}}]", "misplaced-key"},
    };
    CHECK_ALL(rows);
}

/* ---- the plan */

static void
prints(const char *text, const char *wanted)
{
    struct act_compiled c;
    struct act_buf out = {0};
    compile(text, &c);
    act_diags_print(&out, &c.diags, &c.sources, ACT_DIAG_PRETTY, false);
    assert_string_equal(out.ptr ? out.ptr : "", "");
    act_plan_print(&out, c.plan, ACT_PLAN_TEXT);
    /* The first line has the hash. */
    const char *body = strchr(out.ptr, '\n') + 1;
    assert_string_equal(body, wanted);
    act_buf_fini(&out);
    act_compiled_fini(&c);
}

static void
plans(void **state)
{
    (void)state;
    prints("chain: [echo a, {id: b, run: 'cat ${{ prev }}', timeout: 90s}]",
           "chain\n"
           "  chain[0]: run\n"
           "      script: \"echo a\"\n"
           "  chain[1]: run #b\n"
           "      script: \"cat \\\"$ACTANT_V1\\\"\"\n"
           "      bindings: {\"ACTANT_V1\": \"${{ prev }}\"}\n"
           "      timeout: 90000\n");
    prints("chord: {for: [1, 2], as: x, do: {value: '${{ x }}'}, then: make}\nquorum: 1",
           "chord\n"
           "    quorum: 1\n"
           "  chord: for\n"
           "      subject: [1,2]\n"
           "      quorum: 1\n"
           "      as: \"x\"\n"
           "    do: value\n"
           "        subject: ${{ x }}\n"
           "  then: run\n"
           "      script: \"make\"\n");
    prints(
        "for: [1]\nid: each\ndo: {exec: [echo, 'n ${{ item }}', '${{ loop.index + 1 }}'], if: '${{ "
        "item > 0 }}'}",
        "for #each\n"
        "    subject: [1]\n"
        "  do: exec\n"
        "      subject: [\"echo\", \"n ${{ item }}\", \"${{ loop.index + 1 }}\"]\n"
        "      guard: ${{ item > 0 }}\n");
    prints("limits: a\ngroup: [make]\nenv: {A: 3.10, B: null}\nx-y: 1",
           "group\n"
           "    env: {\"A\":\"3.10\",\"B\":null}\n"
           "    limits: {\"a\":1}\n"
           "  group[0]: run\n"
           "      script: \"make\"\n");
    prints(
        "defaults: {timeout: 5m, env: {A: 1}}\nchain: [make, {sleep: 1s, timeout: 1m}, {value: 1}]",
        "chain\n"
        "    env: {\"A\":\"1\"}\n"
        "  chain[0]: run\n"
        "      script: \"make\"\n"
        "      timeout: 300000\n"
        "  chain[1]: sleep\n"
        "      subject: 1000\n"
        "      timeout: 60000\n"
        "  chain[2]: value\n"
        "      subject: 1\n");
}

static void
overlays(void **state)
{
    (void)state;
    /* `env` key by key, `output` instead, `timeout` around; what the caller says is read in its scope. */
    prints("tasks: {t: {run: make, env: {A: 1, B: 2}, output: text}}\n"
           "for: [1]\n"
           "do: {task: t, env: {B: '${{ item }}'}, output: json, timeout: 1s}",
           "for\n"
           "    subject: [1]\n"
           "  do: task\n"
           "      timeout: 1000\n"
           "      target: 2\n"
           "      target_name: \"t\"\n"
           "\n"
           "box 2, task \"t\"\n"
           "run\n"
           "    script: \"make\"\n"
           "    env: {\"A\": \"1\", \"B\": \"${{ item }}\"}\n"
           "    output: \"json\"\n");
}

static void
flags_and_tops(void **state)
{
    (void)state;
    struct act_compiled c;
    compile("name: x\nlabels: {team: a}\ntriggers: {}\n"
            "chain: [{while: prev < 3, do: {value: '${{ env.B }}${{ env.A }}'}}, "
            "{run: make, undo: clean, stdin: '${{ secrets.S }}'}]",
            &c);
    assert_non_null(c.plan);
    const struct act_plan *plan = c.plan;
    assert_int_equal(plan->nodes.ptr[0].flags, ACT_NODE_UNDO_INSIDE);
    assert_int_equal(plan->nodes.ptr[1].flags, ACT_NODE_PURE);
    assert_int_equal(plan->nodes.ptr[2].flags, ACT_NODE_PURE);
    assert_int_equal(plan->nodes.ptr[3].flags, ACT_NODE_UNDO_INSIDE);
    assert_true(act_str_is(act_plan_text(plan, plan->name), "x"));
    const struct {
        uint32_t literal;
        const char *json;
    } rows[] = {
        {plan->env_names, "[\"A\",\"B\"]"},
        {plan->secrets, "[\"S\"]"},
        {plan->labels, "{\"team\":\"a\"}"},
        {plan->unsupported, "[\"triggers\"]"},
        {plan->params, "{}"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct act_buf json = {0};
        act_json_write(&json, plan->exprs.literals.ptr[rows[i].literal], 0);
        assert_string_equal(json.ptr, rows[i].json);
        act_buf_fini(&json);
    }
    act_compiled_fini(&c);
}

/* The plan outlives the compile, with the texts of its sources. */
static void
plan_is_kept(void **state)
{
    (void)state;
    struct act_compiled c;
    compile("workflow: sub.yaml\nwith: {n: 1}", &c);
    struct act_plan *plan = c.plan;
    c.plan = NULL;
    act_compiled_fini(&c);
    assert_int_equal(plan->sources.len, 2);
    assert_true(act_str_is(plan->sources.ptr[1].path, "sub.yaml"));
    assert_true(act_str_starts(plan->sources.ptr[1].text, ACT_STR("params:")));
    assert_int_equal(plan->nodes.ptr[1].flags,
                     ACT_NODE_CLOSED | ACT_NODE_OWN_PARAMS | ACT_NODE_PURE);
    assert_int_equal(plan->spans.ptr[1].line, 2);
    act_plan_destroy(plan);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes),          cmocka_unit_test(attributes),
        cmocka_unit_test(references),     cmocka_unit_test(expressions),
        cmocka_unit_test(calls),          cmocka_unit_test(tops),
        cmocka_unit_test(plans),          cmocka_unit_test(overlays),
        cmocka_unit_test(flags_and_tops), cmocka_unit_test(plan_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

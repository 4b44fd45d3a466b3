#include "embed/spec.h"

#include "embed/input.h"
#include "embed/plugins.h"
#include "executors/plugin/catalog.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

static enum act_err
find_file(void *self, struct act_str path, struct act_arena *arena, struct act_str *ret_text,
          struct act_error *err)
{
    struct act_spec *spec = self;
    struct act_str full =
        path.len > 0 && path.ptr[0] == '/'
            ? path
            : act_arena_printf(arena, "%.*s/%.*s", ACT_STR_ARG(spec->folder), ACT_STR_ARG(path));
    return act_input_read(full, arena, ret_text, err);
}

static struct act_str
base_name(struct act_str path)
{
    size_t begin = path.len;
    while (begin > 0 && path.ptr[begin - 1] != '/')
        begin--;
    struct act_str name = act_str_n(path.ptr + begin, path.len - begin);
    if (act_str_ends(name, ACT_STR(".yaml")))
        name.len -= 5;
    else if (act_str_ends(name, ACT_STR(".yml")))
        name.len -= 4;
    return name;
}

static void
set_places(struct act_spec *spec, struct act_str file)
{
    char buffer[PATH_MAX];
    if (act_str_is(file, "-")) {
        spec->path = spec->absolute = ACT_STR("<stdin>");
        const char *here = getcwd(buffer, sizeof(buffer));
        spec->folder = act_arena_str(&spec->arena, act_str(here ? here : "/"));
        return;
    }
    spec->path = act_arena_str(&spec->arena, file);
    const char *real = realpath(spec->path.ptr, buffer);
    spec->absolute = act_arena_str(&spec->arena, act_str(real ? real : spec->path.ptr));
    size_t slash = spec->absolute.len;
    while (slash > 1 && spec->absolute.ptr[slash - 1] != '/')
        slash--;
    spec->folder =
        act_arena_str(&spec->arena, act_str_n(spec->absolute.ptr, slash > 1 ? slash - 1 : 1));
}

static void
compile(struct act_spec *spec, struct act_str text, struct act_str name)
{
    if (spec->on_text)
        spec->on_text(spec->on_text_self, spec, text);
    struct act_catalog *catalog = act_plugins_catalog(spec->hosting, spec->folder);
    struct act_compile_options options = {
        .find = find_file,
        .self = spec,
        .catalog = catalog,
        .name = name,
    };
    act_compile(spec->path, text, &options, &spec->compiled);
    act_plugin_catalog_destroy(catalog);
}

enum act_err
act_spec_load(struct act_spec *spec, struct act_str file, struct act_error *err)
{
    struct act_str text;
    enum act_err code = act_input_read(file, &spec->arena, &text, err);
    if (code)
        return code;
    set_places(spec, file);
    compile(spec, text, act_str_is(file, "-") ? ACT_STR("stdin") : base_name(spec->path));
    return ACT_OK;
}

void
act_spec_compile(struct act_spec *spec, struct act_str text, struct act_str name,
                 struct act_str folder)
{
    char buffer[PATH_MAX];
    struct act_str given = act_arena_str(&spec->arena, folder.len > 0 ? folder : ACT_STR("."));
    const char *real = realpath(given.ptr, buffer);
    spec->folder = act_arena_str(&spec->arena, act_str(real ? real : given.ptr));
    spec->path = spec->absolute = act_arena_str(&spec->arena, name);
    compile(spec, text, base_name(spec->path));
}

void
act_spec_fini(struct act_spec *spec)
{
    act_compiled_fini(&spec->compiled);
    act_arena_fini(&spec->arena);
}

static void
add_place(struct act_buf *out, const struct act_plan *plan, uint32_t node)
{
    if (node >= plan->spans.len)
        return;
    const struct act_plan_span *span = &plan->spans.ptr[node];
    if (span->source < plan->sources.len)
        act_buf_printf(out, "%.*s:%u:%u: ", ACT_STR_ARG(plan->sources.ptr[span->source].path),
                       span->line, span->column);
}

void
act_spec_unsupported(const struct act_plan *plan, struct act_buf *out)
{
    const struct act_value *top = plan->exprs.literals.ptr[plan->unsupported];
    uint32_t count = act_value_type(top) == ACT_LIST ? act_value_len(top) : 0;
    for (uint32_t i = 0; i < count; i++) {
        if (plan->spans.len > 0 && plan->spans.ptr[0].source < plan->sources.len)
            act_buf_printf(
                out, "%.*s: ", ACT_STR_ARG(plan->sources.ptr[plan->spans.ptr[0].source].path));
        act_buf_printf(out, "error: not supported yet: %.*s\n",
                       ACT_STR_ARG(act_value_as_str(act_value_at(top, i))));
    }
    for (uint32_t node = 0; node < plan->nodes.len; node++) {
        const struct act_value *what = act_plan_literal(plan, node, ACT_ATTR_UNSUPPORTED);
        if (!what)
            continue;
        add_place(out, plan, node);
        act_buf_printf(out, "error: not supported yet: %.*s\n",
                       ACT_STR_ARG(act_value_as_str(what)));
    }
}

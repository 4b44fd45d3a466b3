/* `actant plugin new NAME`, `actant plugin inspect FILE`. */
#include "cli/cmd.h"
#include "cli/plugin_new.h"
#include "embed/plugins.h"
#include "executors/plugin/inspect.h"

#include <stdio.h>
#include <unistd.h>

static int
plugin_new(struct act_cli *cli, struct act_str name)
{
    struct act_error err = {0};
    struct act_buf out = {0};
    if (act_plugin_new(name, &err))
        return act_cli_fail(cli, &err);
    if (cli->json) {
        act_buf_add_cstr(&out, "{\"folder\":");
        act_json_write_str(&out, name);
        act_buf_add_cstr(&out, "}\n");
    } else {
        act_buf_printf(&out, "wrote %.*s/; now: make -C %.*s test\n", ACT_STR_ARG(name),
                       ACT_STR_ARG(name));
    }
    int code = act_cli_print(cli, act_buf_str(&out));
    act_buf_fini(&out);
    return code;
}

/* ---- inspect ---- */

static struct act_str
text_of(const struct act_value *map, const char *key)
{
    const struct act_value *v = act_value_get(map, act_str(key));
    return v && act_value_type(v) == ACT_STRING ? act_value_as_str(v) : (struct act_str){0};
}

static void
print_schema(struct act_buf *out, const char *indent, const char *label,
             const struct act_value *schema)
{
    if (!schema || act_value_type(schema) != ACT_MAP)
        return;
    act_buf_printf(out, "%s%s: ", indent, label);
    act_json_write(out, schema, 0);
    act_buf_add_byte(out, '\n');
}

static void
print_functions(struct act_buf *out, const char *indent, const char *what,
                const struct act_value *list)
{
    char deeper[32];
    snprintf(deeper, sizeof(deeper), "%s    ", indent);
    for (uint32_t i = 0; list && i < act_value_len(list); i++) {
        const struct act_value *one = act_value_at(list, i);
        struct act_str description = text_of(one, "description");
        act_buf_printf(out, "%s%s %.*s%s%.*s\n", indent, what, ACT_STR_ARG(text_of(one, "name")),
                       description.len ? ": " : "", ACT_STR_ARG(description));
        print_schema(out, deeper, "args", act_value_get(one, ACT_STR("args")));
        print_schema(out, deeper, "result", act_value_get(one, ACT_STR("result")));
    }
}

static void
print_plugin(struct act_buf *out, const struct act_value *plugin)
{
    const struct act_value *actors = act_value_get(plugin, ACT_STR("actors"));
    const struct act_value *abi = act_value_get(plugin, ACT_STR("abi"));
    act_buf_printf(out, "%.*s %.*s (ABI %lld)\n", ACT_STR_ARG(text_of(plugin, "name")),
                   ACT_STR_ARG(text_of(plugin, "version")),
                   abi ? (long long)act_value_as_int(abi) : 0);
    print_functions(out, "  ", "task", act_value_get(plugin, ACT_STR("tasks")));
    for (uint32_t i = 0; actors && i < act_value_len(actors); i++) {
        const struct act_value *actor = act_value_at(actors, i);
        struct act_str description = text_of(actor, "description");
        act_buf_printf(out, "  actor %.*s%s%.*s\n", ACT_STR_ARG(text_of(actor, "name")),
                       description.len ? ": " : "", ACT_STR_ARG(description));
        print_schema(out, "      ", "with", act_value_get(actor, ACT_STR("with")));
        print_functions(out, "    ", "method", act_value_get(actor, ACT_STR("methods")));
    }
}

/* A word without '/' and '.' that is no file is a plugin's name. */
static enum act_err
find_file(struct act_cli *cli, struct act_str word, const char **ret, struct act_error *err)
{
    struct act_plugin_found found = {0};
    char here[4096];
    *ret = act_arena_str(&cli->arena, word).ptr;
    if (!act_plugin_is_name(word) || access(*ret, F_OK) == 0)
        return ACT_OK;
    struct act_str folder = act_str(getcwd(here, sizeof(here)) ? here : "/");
    struct act_plugin_places places = act_plugins_places(NULL, folder, &cli->arena);
    enum act_err code = act_plugin_find(&places, word, &cli->arena, &found, err);
    if (!code)
        *ret = found.path.ptr;
    return code;
}

static int
plugin_inspect(struct act_cli *cli, struct act_str word)
{
    struct act_error err = {0};
    struct act_value *plugin = NULL;
    const char *path = NULL;
    enum act_err code = find_file(cli, word, &path, &err);
    /* dlopen takes a name without '/' for one to look for elsewhere. */
    if (!code && !strchr(path, '/'))
        path = act_arena_printf(&cli->arena, "./%s", path).ptr;
    if (!code)
        code =
            act_plugin_inspect(act_plugins_program(NULL, &cli->arena).ptr, path, 0, &plugin, &err);
    if (code)
        return act_cli_fail(cli, &err);
    struct act_buf out = {0};
    int exit_code;
    if (cli->json) {
        exit_code = act_cli_print_json(cli, plugin);
    } else {
        print_plugin(&out, plugin);
        exit_code = act_cli_print(cli, act_buf_str(&out));
    }
    act_buf_fini(&out);
    act_value_release(plugin);
    return exit_code;
}

static const struct {
    struct act_cli_verb shown;
    int (*run)(struct act_cli *cli, struct act_str word);
} verbs[] = {
    {{"new", "NAME", "make a folder in which `make` gives NAME.so, with a README and a test",
      ACT_WORD_NONE},
     plugin_new},
    {{"inspect", "FILE", "print a plugin's tasks and what they take and give", ACT_WORD_FILE},
     plugin_inspect},
};
#define VERB_COUNT (sizeof(verbs) / sizeof(verbs[0]))

const struct act_cli_verb *
act_plugin_verb_at(size_t index)
{
    return index < VERB_COUNT ? &verbs[index].shown : NULL;
}

int
act_cmd_plugin(struct act_cli *cli)
{
    struct act_str verb = act_cli_word(cli, 0), word = act_cli_word(cli, 1);
    for (size_t i = 0; i < VERB_COUNT; i++)
        if (act_str_is(verb, verbs[i].shown.name))
            return verbs[i].run(cli, word);
    return act_cli_usage(cli, "actant plugin new NAME, or actant plugin inspect FILE",
                         "there is no `actant plugin %.*s`", ACT_STR_ARG(verb));
}

#include "cli/cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Runs as it stands on any system, and shows what one reaches for first. */
static const char first_workflow[] =
    "# yaml-language-server: $schema=./actant.schema.json\n"
    "# (for completion in the editor: actant schema > actant.schema.json)\n"
    "#\n"
    "#   actant run {FILE}\n"
    "#   actant run {FILE} -p folder=/usr/share/doc\n"
    "name: first\n"
    "description: how much is in a folder, counted three ways at once\n"
    "params:\n"
    "  folder: {type: string, default: ., description: the folder to look at}\n"
    "dag:\n"
    "  files:\n"
    "    run: find ${{ params.folder }} -maxdepth 2 -type f | wc -l\n"
    "  bytes:\n"
    "    run: du -sk ${{ params.folder }} | cut -f1\n"
    "  newest:\n"
    "    run: ls -t ${{ params.folder }} | head -n 1\n"
    "    retry: 2\n"
    "  report:\n"
    "    needs: [files, bytes, newest]\n"
    "    value:\n"
    "      folder: ${{ params.folder }}\n"
    "      files: ${{ nodes.files.result }}\n"
    "      kilobytes: ${{ nodes.bytes.result }}\n"
    "      newest: ${{ nodes.newest.result }}\n"
    "outputs:\n"
    "  summary: ${{ format('{0} files in {1} KiB', nodes.files.result, nodes.bytes.result) }}\n";

static void
add_workflow(struct act_buf *out, struct act_str file)
{
    struct act_str rest = act_str(first_workflow);
    ptrdiff_t at;
    while ((at = act_str_find(rest, ACT_STR("{FILE}"))) >= 0) {
        act_buf_add(out, rest.ptr, (size_t)at);
        act_buf_add_str(out, file);
        rest = act_str_n(rest.ptr + at + 6, rest.len - (size_t)at - 6);
    }
    act_buf_add_str(out, rest);
}

static int
refuse(struct act_cli *cli, struct act_str file, int error)
{
    struct act_error err = {0};
    act_error_set(&err, error == EEXIST ? ACT_ERR_EXISTS : ACT_ERR_SYSTEM, "%s",
                  error == EEXIST ? "this file exists already" : strerror(error));
    act_error_place(&err, "%.*s", ACT_STR_ARG(file));
    act_error_hint(&err, "%s",
                   error == EEXIST ? "give another name, or --force to overwrite it"
                                   : "name a file in a folder that you may write to");
    return act_cli_fail(cli, &err);
}

static int
say_done(struct act_cli *cli, struct act_str file)
{
    struct act_buf out = {0};
    if (cli->json) {
        act_buf_add_cstr(&out, "{\"file\":");
        act_json_write_str(&out, file);
        act_buf_add_cstr(&out, "}\n");
    } else {
        act_buf_printf(&out, "wrote %.*s; now: actant run %.*s\n", ACT_STR_ARG(file),
                       ACT_STR_ARG(file));
    }
    int code = act_cli_print(cli, act_buf_str(&out));
    act_buf_fini(&out);
    return code;
}

int
act_cmd_init(struct act_cli *cli)
{
    struct act_str file = act_cli_word(cli, 0);
    if (file.len == 0)
        file = ACT_STR("workflow.yaml");
    int how = act_cli_flag(cli, ACT_OPT_FORCE) ? O_TRUNC : O_EXCL;
    int fd = open(file.ptr, O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK | how, 0644);
    if (fd < 0)
        return refuse(cli, file, errno);
    struct act_buf text = {0};
    add_workflow(&text, file);
    int failed = act_write_all(fd, act_buf_str(&text));
    act_buf_fini(&text);
    if (close(fd) != 0 && !failed)
        failed = errno;
    if (failed)
        return refuse(cli, file, failed);
    return say_done(cli, file);
}

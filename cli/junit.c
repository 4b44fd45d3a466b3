#include "cli/junit.h"

#include "cli/label.h"
#include "cli/out.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define LOG_BYTES_MAX ((uint64_t)64 * 1024)

struct junit {
    const struct act_view *view;
    struct act_blob_port *blobs;
    struct act_out out;
    struct act_buf line;
};

/* XML 1.0 has no place for most control characters and for bad UTF-8. */
static void
add_xml(struct act_buf *out, struct act_str text)
{
    struct act_buf clean = {0};
    act_buf_add_utf8(&clean, text);
    for (size_t i = 0; i < clean.len; i++) {
        unsigned char c = (unsigned char)clean.ptr[i];
        if (c == '<')
            act_buf_add_cstr(out, "&lt;");
        else if (c == '>')
            act_buf_add_cstr(out, "&gt;");
        else if (c == '&')
            act_buf_add_cstr(out, "&amp;");
        else if (c == '"')
            act_buf_add_cstr(out, "&quot;");
        else if (c < 0x20 && c != '\n' && c != '\t')
            act_buf_add_byte(out, '?');
        else
            act_buf_add_byte(out, (char)c);
    }
    act_buf_fini(&clean);
}

static void
add_attribute(struct junit *j, const char *name, struct act_str value)
{
    act_buf_printf(&j->line, " %s=\"", name);
    add_xml(&j->line, value);
    act_buf_add_byte(&j->line, '"');
}

static bool
is_case(const struct junit *j, const struct act_view_entry *entry)
{
    enum act_kind kind = act_view_kind(j->view, entry);
    return entry->recorded && act_kind_is_leaf(kind) && !act_label_is_quick(kind) &&
           kind != ACT_KIND_TASK && kind != ACT_KIND_WORKFLOW;
}

static bool
is_failure(const struct act_view_entry *entry)
{
    return entry->status == ACT_STATUS_FAILED && !entry->tolerated;
}

static void
add_log(struct junit *j, const char *element, const struct act_blob *blob)
{
    struct act_buf text = {0};
    uint64_t total = blob->file.len > 0 ? blob->length : blob->bytes.len;
    uint64_t skip = total > LOG_BYTES_MAX ? total - LOG_BYTES_MAX : 0;
    if (blob->file.len == 0)
        act_buf_add(&text, blob->bytes.ptr + skip, (size_t)(total - skip));
    else if (j->blobs)
        j->blobs->ops->read(j->blobs, blob->file, blob->offset + skip, total - skip, &text, NULL);
    if (text.len > 0) {
        act_buf_printf(&j->line, "    <%s>%s", element, skip > 0 ? "[the end]\n" : "");
        add_xml(&j->line, act_buf_str(&text));
        act_buf_printf(&j->line, "</%s>\n", element);
    }
    act_buf_fini(&text);
}

static void
add_failure(struct junit *j, const struct act_view_entry *entry)
{
    struct act_event event = {
        .cause = entry->cause, .exit_code = entry->exit_code, .signal = entry->signal};
    struct act_buf text = {0};
    const struct act_value *message =
        entry->error ? act_value_get(entry->error, ACT_STR("message")) : NULL;
    if (message)
        act_value_text(&text, message);
    else
        act_cause_add(&text, &event);
    act_buf_add_cstr(&j->line, "    <failure");
    add_attribute(j, "message", act_buf_str(&text));
    add_attribute(j, "type", act_str(act_cause_text(entry->cause)));
    act_buf_add_cstr(&j->line, "/>\n");
    act_buf_fini(&text);
}

static void
add_case(struct junit *j, const struct act_view_entry *entry, struct act_str workflow)
{
    struct act_str name = entry->key.count == 0 && entry->id.len > 0 ? entry->id : entry->path;
    int64_t ms = act_view_duration_ms(entry);
    const struct act_view_attempt *last = act_view_last(entry);
    act_buf_add_cstr(&j->line, "  <testcase");
    add_attribute(j, "classname", workflow);
    add_attribute(j, "name", name.len > 0 ? name : workflow);
    act_buf_printf(&j->line, " time=\"%lld.%03d\">\n", (long long)(ms / 1000), (int)(ms % 1000));
    if (is_failure(entry))
        add_failure(j, entry);
    else if (entry->status == ACT_STATUS_SKIPPED || entry->status == ACT_STATUS_CANCELLED)
        act_buf_printf(&j->line, "    <skipped message=\"%s\"/>\n", act_cause_text(entry->cause));
    if (last) {
        add_log(j, "system-out", &last->out);
        add_log(j, "system-err", &last->err);
    }
    act_buf_add_cstr(&j->line, "  </testcase>\n");
    act_out_add(&j->out, act_buf_str(&j->line));
    act_buf_clear(&j->line);
}

static void
write_suite(struct junit *j, const struct act_run_row *row)
{
    uint32_t tests = 0, failures = 0, skipped = 0;
    for (uint32_t i = 0; i < j->view->entries.len; i++) {
        const struct act_view_entry *entry = &j->view->entries.ptr[i];
        if (!is_case(j, entry))
            continue;
        tests++;
        failures += is_failure(entry);
        skipped += entry->status == ACT_STATUS_SKIPPED || entry->status == ACT_STATUS_CANCELLED;
    }
    act_buf_add_cstr(&j->line, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite");
    add_attribute(j, "name", row->workflow);
    add_attribute(j, "id", row->run);
    act_buf_printf(&j->line, " tests=\"%u\" failures=\"%u\" errors=\"0\" skipped=\"%u\"", tests,
                   failures, skipped);
    act_buf_printf(&j->line, " time=\"%lld.%03d\" timestamp=\"",
                   (long long)(row->duration_ms / 1000), (int)(row->duration_ms % 1000));
    act_instant_text(&j->line, row->started_ms);
    act_buf_add_cstr(&j->line, "\">\n");
    for (uint32_t i = 0; i < j->view->entries.len; i++)
        if (is_case(j, &j->view->entries.ptr[i]))
            add_case(j, &j->view->entries.ptr[i], row->workflow);
    act_buf_add_cstr(&j->line, "</testsuite>\n");
    act_out_add(&j->out, act_buf_str(&j->line));
}

enum act_err
act_junit_write(const char *path, const struct act_view *view, const struct act_run_row *row,
                struct act_blob_port *blobs, struct act_error *err)
{
    struct junit j = {.view = view, .blobs = blobs};
    struct act_buf name = {0};
    act_buf_printf(&name, "%s.%.*s", path, ACT_STR_ARG(row->run));
    int fd = open(name.ptr, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    int error = fd < 0 ? errno : 0;
    if (!error) {
        act_out_init(&j.out, fd);
        write_suite(&j, row);
        error = act_out_fini(&j.out, NULL) ? j.out.failed : 0;
        act_buf_fini(&j.line);
        if (close(fd) != 0 && !error)
            error = errno;
        if (!error && rename(name.ptr, path) != 0)
            error = errno;
        if (error)
            unlink(name.ptr);
    }
    act_buf_fini(&name);
    if (!error)
        return ACT_OK;
    act_error_set(err, error == ENOSPC ? ACT_ERR_NO_SPACE : ACT_ERR_SYSTEM,
                  "the JUnit report cannot be written: %s", strerror(error));
    act_error_place(err, "%s", path);
    return error == ENOSPC ? ACT_ERR_NO_SPACE : ACT_ERR_SYSTEM;
}

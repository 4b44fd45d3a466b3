/* Attempts under way, with the last lines that each wrote. */
#include "cli/report.h"

void
act_track_destroy(struct act_track *track)
{
    act_buf_fini(&track->key);
    act_buf_fini(&track->label);
    act_buf_fini(&track->partial[0]);
    act_buf_fini(&track->partial[1]);
    act_free(track);
}

struct act_track *
act_track_find(struct act_report *r, uint32_t node, struct act_str key, uint32_t *ret_index)
{
    for (uint32_t i = 0; i < r->tracks.len; i++) {
        if (r->tracks.ptr[i]->node == node &&
            act_str_eq(act_buf_str(&r->tracks.ptr[i]->key), key)) {
            *ret_index = i;
            return r->tracks.ptr[i];
        }
    }
    return NULL;
}

/* Cleared, but for the tail's lines: what tail_count does not name is not looked at. */
static struct act_track *
take_track(struct act_report *r)
{
    if (r->spare.len == 0)
        return act_zalloc(1, sizeof(struct act_track));
    struct act_track *track = act_vec_pop(&r->spare);
    act_buf_clear(&track->key);
    act_buf_clear(&track->label);
    act_buf_clear(&track->partial[0]);
    act_buf_clear(&track->partial[1]);
    track->tail_next = track->tail_count = 0;
    track->lines_shown = track->lines_left_out = 0;
    return track;
}

struct act_track *
act_track_begin(struct act_report *r, const struct act_run *run, const struct act_event *event,
                struct act_str key, struct act_str label)
{
    struct act_track *track = take_track(r);
    track->node = event->key.node;
    track->inst = act_run_find(run, event->key);
    track->started_ms = event->at_ms;
    track->attempt = event->attempt;
    act_buf_add_str(&track->key, key);
    act_buf_add_str(&track->label, label);
    act_vec_push(&r->tracks, track);
    return track;
}

static void
keep_line(struct act_track *track, struct act_str line)
{
    size_t len = line.len < ACT_TAIL_BYTES ? line.len : ACT_TAIL_BYTES;
    memcpy(track->tail[track->tail_next], line.ptr, len);
    track->tail_bytes[track->tail_next] = (uint16_t)len;
    track->tail_next = (track->tail_next + 1) % ACT_TAIL_LINES;
    track->tail_count += track->tail_count < ACT_TAIL_LINES;
}

void
act_track_keep_tail(struct act_track *track, struct act_str bytes)
{
    /* Only the last lines can be seen, so only the end is looked at. */
    size_t most = (size_t)ACT_TAIL_LINES * ACT_TAIL_BYTES;
    if (bytes.len > most)
        bytes = act_str_n(bytes.ptr + bytes.len - most, most);
    size_t begin = 0;
    for (size_t i = 0; i <= bytes.len; i++) {
        bool end = i == bytes.len || bytes.ptr[i] == '\n' || bytes.ptr[i] == '\r';
        if (!end)
            continue;
        struct act_str line = act_str_trim(act_str_n(bytes.ptr + begin, i - begin));
        if (line.len > 0)
            keep_line(track, line);
        begin = i + 1;
    }
}

struct act_str
act_track_tail(const struct act_track *track, uint32_t i)
{
    if (i >= track->tail_count)
        return act_str_n("", 0);
    uint32_t at = (track->tail_next + 2 * ACT_TAIL_LINES - 1 - i) % ACT_TAIL_LINES;
    return act_str_n(track->tail[at], track->tail_bytes[at]);
}

void
act_track_end(struct act_report *r, uint32_t index)
{
    struct act_track *track = r->tracks.ptr[index];
    r->tracks.ptr[index] = *act_vec_last(&r->tracks);
    (void)act_vec_pop(&r->tracks);
    act_vec_push(&r->spare, track);
}

/* The end of a feed: takes batches of lines to a place, notes down beside the run how far that has come, and says
 * once what is wrong. write, failed and cancel are a producer's sink; the rest is the loop's. The places are
 * feed_file.c and feed_node.c.
 *
 * A record is 8 bytes, the event's sequence number, and its line. */
#ifndef ACT_EMBED_FEED_SINK_H
#define ACT_EMBED_FEED_SINK_H

#include "base/str.h"
#include "embed/feed_target.h"
#include "include/actant/producer.h"

/* Where lines go. write is called on the producer's thread alone. */
struct act_feed_place;
struct act_feed_place_ops {
    /* All of text, kept safe, or false and why. Some of it may have arrived all the same. */
    bool (*write)(struct act_feed_place *self, struct act_str text, char *why, size_t why_size);
    void (*cancel)(
        struct act_feed_place *self); /* any thread: write is to return soon; NULL: it does */
    void (*destroy)(struct act_feed_place *self);
};
struct act_feed_place {
    const struct act_feed_place_ops *ops;
    size_t taken;   /* by a write that failed: so much of text, whole lines, need not come again */
    char note[256]; /* by a write that went well: where the lines really went; "": as it was said */
};
struct act_feed_place *act_feed_file(const char *path);
/* A program of ours that has the libraries for it: actant-node, found beside the program that hosting names. args
 * (NULL-terminated, copied): what it is to do. setup: what it is told first, over the stream; NULL: nothing. */
struct act_hosting;
struct act_feed_place *act_feed_node(const struct act_hosting *hosting, const char *const *args,
                                     const struct act_str *setup);

struct act_feed_sink_options {
    const char *text; /* the target as it was given */
    const struct act_feed_target *target;
    const char *mark;     /* where it is noted down how far it has come; NULL: nowhere */
    const char *workflow; /* its name */
    const struct act_hosting *hosting;
    struct act_str setup; /* embed/feed_auth.h; copied, and wiped at the end */
};
struct act_feed_sink;
struct act_feed_sink *act_feed_sink_create(const struct act_feed_sink_options *options);
void act_feed_sink_destroy(struct act_feed_sink *sink); /* after the producer; NULL is nothing */
/* The first event that is not noted down as written. Before the producer lives. */
uint64_t act_feed_sink_next(struct act_feed_sink *sink);
/* What a person should know (what is wrong; where it really is) and has not been told yet; appended. */
bool act_feed_sink_news(struct act_feed_sink *sink, struct act_buf *out);
/* Was the last batch refused? */
bool act_feed_sink_fails(struct act_feed_sink *sink);
struct actant_sink act_feed_sink_of(struct act_feed_sink *sink);

#endif

/* The end of a feed that is a file: lines are appended, a batch at a time, and synced; how far that has come is
 * noted down beside the run, so that a later process goes on from there. write and failed are a producer's sink
 * and run on its thread; the rest is the loop's.
 *
 * A record is 8 bytes, the event's sequence number, and its line. */
#ifndef ACT_EMBED_FEED_FILE_H
#define ACT_EMBED_FEED_FILE_H

#include "base/str.h"
#include "include/actant/producer.h"

struct act_feed_file;
/* Opens nothing yet: the first write does. mark: where it is noted down; NULL: nowhere. */
struct act_feed_file *act_feed_file_create(const char *path, const char *mark);
void act_feed_file_destroy(struct act_feed_file *file); /* after the producer; NULL is nothing */
/* The first event that is not noted down as written. Before the producer lives. */
uint64_t act_feed_file_next(struct act_feed_file *file);
/* What is wrong, if something is and it has not been said yet; appended. */
bool act_feed_file_trouble(struct act_feed_file *file, struct act_buf *out);

int act_feed_file_write(void *file, const struct actant_batch *batch,
                        struct actant_sink_error *error);
enum actant_sink_answer act_feed_file_failed(void *file, const struct actant_failure *failure,
                                             int64_t *retry_ms);

#endif

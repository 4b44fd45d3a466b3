/* How the engine speaks to this program (embed/feed_node.c): a stream on standard input, answers on the same.
 *   "<bytes>\n" and so many bytes: a block
 *   the first one, for `post`: how to set up, lines "header NAME: VALUE" and "key HEX"; no answer
 *   each other one: a batch of lines; the answer is "ok\n", "ok <note>\n" or "error <why>\n"
 * It ends with the stream. */
#ifndef ACT_NODE_STREAM_H
#define ACT_NODE_STREAM_H

#include "base/error.h"
#include "base/str.h"

/* False: the stream has ended, or says nothing that means something. */
bool act_stream_block(struct act_buf *ret);
/* note: for people, or "". False: nobody listens any more. */
bool act_stream_answer(enum act_err code, const struct act_error *err, const char *note);

#endif

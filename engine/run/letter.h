/* What coordinator and executor host say to each other (messages.def), as bytes: for when they live in
 * two processes. A fact within is encoded as the log encodes it (engine/core/event.h). Letters are read
 * strictly: what is cut off, or is not what its number says, is ACT_ERR_CORRUPT. The loop's thread. */
#ifndef ACT_ENGINE_RUN_LETTER_H
#define ACT_ENGINE_RUN_LETTER_H

#include "engine/run/end.h"
#include "engine/run/order.h"

/* Numbers are those of messages.def, without ACTANT_TYPE_USER. Each appends. */
void act_letter_order(struct act_buf *out, const struct act_order *order);
void act_letter_stop(struct act_buf *out, const struct act_stop *stop);
void act_letter_ids(struct act_buf *out, const struct act_attempt_id *ids, size_t count);
void act_letter_known(struct act_buf *out, const struct act_known *known, size_t count);
void act_letter_started(struct act_buf *out, const struct act_started *started);
void act_letter_followed(struct act_buf *out, const struct act_followed *followed);
void act_letter_end(struct act_buf *out, const struct act_end *end);

/* The inverses. What the plan says of a task is taken from it; plan and loader (of large values)
 * outlive the order. */
enum act_err act_letter_read_order(struct act_str bytes, const struct act_plan *plan,
                                   struct act_value_loader *loader, struct act_order **ret,
                                   struct act_error *err);
enum act_err act_letter_read_stop(struct act_str bytes, struct act_stop *ret,
                                  struct act_error *err);
ACT_VEC_TYPE(act_letter_ids, struct act_attempt_id);
/* Both append to ret. */
enum act_err act_letter_read_ids(struct act_str bytes, struct act_letter_ids *ret,
                                 struct act_error *err);
ACT_VEC_TYPE(act_letter_known, struct act_known);
enum act_err act_letter_read_known(struct act_str bytes, struct act_letter_known *ret,
                                   struct act_error *err);
enum act_err act_letter_read_started(struct act_str bytes, struct act_started *ret,
                                     struct act_error *err);
/* *ret: to be freed with act_free. */
enum act_err act_letter_read_followed(struct act_str bytes, struct act_followed **ret,
                                      struct act_error *err);
enum act_err act_letter_read_end(struct act_str bytes, struct act_value_loader *loader,
                                 struct act_end **ret, struct act_error *err);

#endif

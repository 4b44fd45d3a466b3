/* The loop port on libuv. One thread runs it; only `post` may be called from others. SIGPIPE is
 * ignored from here on. */
#ifndef ACT_ENGINE_IO_UV_LOOP_H
#define ACT_ENGINE_IO_UV_LOOP_H

#include "engine/port/loop.h"

struct uv_loop_s;

/* Owned by the caller; ended by its ops->close, after everything that was created on it. */
enum act_err act_uv_loop_create(struct act_loop **ret, struct act_error *err);
/* For the other adapters of this folder. */
struct uv_loop_s *act_uv_loop_of(struct act_loop *loop);

#endif

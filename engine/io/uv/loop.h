/* The loop port on libuv. One thread runs it; only `post` may be called from others. From here on SIGPIPE is
 * ignored and libuv's memory is act_alloc's, but for a guest's loop. */
#ifndef ACT_ENGINE_IO_UV_LOOP_H
#define ACT_ENGINE_IO_UV_LOOP_H

#include "engine/port/loop.h"

#include <stdint.h>

struct uv_loop_s;

/* Owned by the caller; ended by its ops->close, after everything that was created on it. */
enum act_err act_uv_loop_create(struct act_loop **ret, struct act_error *err);
/* In a program that is not ours: nothing of the process is changed, SIGPIPE is its affair. */
enum act_err act_uv_loop_create_guest(struct act_loop **ret, struct act_error *err);
/* For a program with a loop of its own. A turn does what is ready and never waits; it returns after how
 * many milliseconds the next one is due though the descriptor is quiet: 0: at once, -1: never. The
 * descriptor is readable when there is something to do. */
int64_t act_uv_loop_turn(struct act_loop *loop);
int act_uv_loop_fd(struct act_loop *loop);
/* For the other adapters of this folder: a callback of the loop came, and may have left something for the
 * handlers that run before the loop sleeps. */
void act_uv_loop_stir(struct uv_loop_s *loop);
struct uv_loop_s *act_uv_loop_of(struct act_loop *loop);

#endif

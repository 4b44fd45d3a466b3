/* Adapter: links over Unix socket pairs. */
#ifndef ACT_ENGINE_IO_UV_LINK_H
#define ACT_ENGINE_IO_UV_LINK_H

#include "engine/port/link.h"
#include "engine/port/loop.h"

enum act_err act_uv_link_port_create(struct act_loop *loop, struct act_link_port **ret,
                                     struct act_error *err);

#endif

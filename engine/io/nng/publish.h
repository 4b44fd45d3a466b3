/* Publishing over nng (protocol pub0): every message to every subscriber that is connected, over TCP or a Unix socket.
 * Nobody acknowledges: what has been handed to the system for those who were connected is published.
 *
 * A subscriber whose connection stands still is not waited for longer than a second; from then on nng keeps the newest
 * 1,024 messages for it and drops the others. One thread at a time. */
#ifndef ACT_ENGINE_IO_NNG_PUBLISH_H
#define ACT_ENGINE_IO_NNG_PUBLISH_H

#include "base/error.h"
#include "base/str.h"

struct act_nng_options {
    const char *address;      /* tcp://HOST:PORT (port 0: any that is free), ipc:///PATH */
    bool dial;                /* the subscriber listens there; else we do */
    unsigned subscribers_min; /* nothing is published to fewer */
};
struct act_nng_publisher;
/* Listens, or begins to dial. ACT_ERR_SYSTEM: the address is in use, or is none. */
enum act_err act_nng_open(const struct act_nng_options *options, struct act_nng_publisher **ret,
                          struct act_error *err);
void act_nng_close(struct act_nng_publisher *publisher); /* drain before; NULL is nothing */
/* tcp://127.0.0.1:40113: where it really is. */
const char *act_nng_address(const struct act_nng_publisher *publisher);
/* How many subscribers are connected, as soon as they are as many as wanted, or timeout_ms are over. */
unsigned act_nng_await(struct act_nng_publisher *publisher, unsigned wanted, int timeout_ms);
/* ACT_ERR_BUSY: fewer than subscribers_min are connected, even after a second. */
enum act_err act_nng_ready(struct act_nng_publisher *publisher, struct act_error *err);
/* topic and body are one message; subscribers choose by how it begins. At most 256 between two drains. */
enum act_err act_nng_publish(struct act_nng_publisher *publisher, struct act_str topic,
                             struct act_str body, struct act_error *err);
/* Waits until the system has all that was published; of Unix sockets, until it was read. */
void act_nng_drain(struct act_nng_publisher *publisher);

#endif

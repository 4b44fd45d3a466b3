/* What actant-node does, one of these a process. Each reads batches from the stream (node/stream.h) until it ends; the
 * result is the exit code. */
#ifndef ACT_NODE_JOBS_H
#define ACT_NODE_JOBS_H

/* Posts batches to a URL. */
int act_node_post(const char *url);
/* Publishes the events of a workflow over nng: engine/io/nng/publish.h. how: "listen" or "dial"; subscribers: a number
 * that must be there, or "-": nobody must, but after the beginning the first one is waited for for a second. */
int act_node_publish(const char *how, const char *address, const char *subscribers,
                     const char *workflow);

#endif

/* POST over HTTP: one client, one request at a time, the connection kept. */
#ifndef ACT_ENGINE_IO_HTTP_POST_H
#define ACT_ENGINE_IO_HTTP_POST_H

#include "base/error.h"
#include "base/str.h"

struct act_http_client;
/* url: http or https. setup: lines "header NAME: VALUE", sent with each request, and "key HEX": bodies are signed
 * with it (X-Actant-Signature-256: sha256= and the HMAC in hex digits). Copied. ACT_ERR_INVALID. */
enum act_err act_http_open(const char *url, struct act_str setup, struct act_http_client **ret,
                           struct act_error *err);
void act_http_close(struct act_http_client *client); /* NULL is nothing */
/* ACT_OK: the other side answered 2xx. Else why not: it cannot be reached, is silent for 10 s, or refuses
 * (ACT_ERR_SYSTEM). Redirects are not followed: they are a refusal. */
enum act_err act_http_post(struct act_http_client *client, struct act_str body,
                           struct act_error *err);

#endif

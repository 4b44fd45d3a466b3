#include "engine/io/http/post.h"

#include "base/alloc.h"

#include <curl/curl.h>

#define CONNECT_MS 5000L
#define ANSWER_MS 10000L

struct act_http_client {
    CURL *curl;
    struct curl_slist *headers;
    char why[CURL_ERROR_SIZE];
};

/* Nobody wants to know what a webhook says. */
static size_t
forget(char *bytes, size_t size, size_t count, void *self)
{
    (void)bytes;
    (void)self;
    return size * count;
}

static bool
set_up(struct act_http_client *client, const char *url)
{
    CURL *curl = client->curl;
    client->headers = curl_slist_append(NULL, "Content-Type: application/x-ndjson");
    return curl && client->headers &&
           curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_URL, url) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HTTPHEADER, client->headers) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, client->why) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, forget) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_USERAGENT, "actant") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, ANSWER_MS) == CURLE_OK;
}

enum act_err
act_http_open(const char *url, struct act_http_client **ret, struct act_error *err)
{
    struct act_http_client *client = act_zalloc(1, sizeof(*client));
    client->curl = curl_easy_init();
    if (!set_up(client, url)) {
        act_http_close(client);
        return act_error_set(err, ACT_ERR_INVALID, "%s is no URL for a POST", url);
    }
    *ret = client;
    return ACT_OK;
}

void
act_http_close(struct act_http_client *client)
{
    if (!client)
        return;
    curl_easy_cleanup(client->curl);
    curl_slist_free_all(client->headers);
    act_free(client);
}

enum act_err
act_http_post(struct act_http_client *client, struct act_str body, struct act_error *err)
{
    long status = 0;
    client->why[0] = '\0';
    curl_easy_setopt(client->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
    curl_easy_setopt(client->curl, CURLOPT_POSTFIELDS, body.ptr);
    CURLcode code = curl_easy_perform(client->curl);
    if (code != CURLE_OK)
        return act_error_set(err, ACT_ERR_SYSTEM, "%s",
                             client->why[0] ? client->why : curl_easy_strerror(code));
    curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status < 200 || status > 299)
        return act_error_set(err, ACT_ERR_SYSTEM, "the answer was HTTP %ld", status);
    return ACT_OK;
}

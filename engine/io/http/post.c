#include "engine/io/http/post.h"

#include "base/alloc.h"
#include "base/hmac.h"

#include <curl/curl.h>
#include <string.h>

#define CONNECT_MS 5000L
#define ANSWER_MS 10000L

struct act_http_client {
    CURL *curl;
    struct curl_slist *headers;
    bool has_key;
    struct act_buf key;
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
add_header(struct act_http_client *client, const char *header)
{
    struct curl_slist *longer = curl_slist_append(client->headers, header);
    if (longer)
        client->headers = longer;
    return longer != NULL;
}

static int
digit(char c)
{
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= '0' && c <= '9' ? c - '0' : -1;
}

static bool
take_key(struct act_http_client *client, struct act_str hex)
{
    client->has_key = true;
    act_buf_clear(&client->key);
    act_buf_reserve(&client->key, hex.len / 2 + 1);
    for (size_t i = 0; i + 1 < hex.len; i += 2) {
        int high = digit(hex.ptr[i]), low = digit(hex.ptr[i + 1]);
        if (high < 0 || low < 0)
            return false;
        act_buf_add_byte(&client->key, (char)(high << 4 | low));
    }
    return hex.len % 2 == 0;
}

static void
wipe(struct act_buf *buf)
{
    if (buf->ptr)
        explicit_bzero(buf->ptr, buf->cap);
    act_buf_fini(buf);
}

static bool
take_line(struct act_http_client *client, struct act_str line)
{
    static const struct act_str header = {"header ", 7}, key = {"key ", 4};
    struct act_buf text = {0};
    bool known = true;
    if (act_str_starts(line, key))
        return take_key(client, act_str_n(line.ptr + key.len, line.len - key.len));
    if (!act_str_starts(line, header))
        return false;
    act_buf_reserve(&text, line.len + 1);
    act_buf_add(&text, line.ptr + header.len, line.len - header.len);
    known = add_header(client, text.ptr);
    wipe(&text);
    return known;
}

static bool
take_setup(struct act_http_client *client, struct act_str setup)
{
    bool known = true;
    while (known && setup.len > 0) {
        ptrdiff_t end = act_str_find(setup, ACT_STR("\n"));
        size_t len = end < 0 ? setup.len : (size_t)end, past = len + (end >= 0);
        known = take_line(client, act_str_n(setup.ptr, len));
        setup = act_str_n(setup.ptr + past, setup.len - past);
    }
    return known;
}

static bool
set_up(struct act_http_client *client, const char *url, struct act_str setup)
{
    CURL *curl = client->curl;
    if (!add_header(client, "Content-Type: application/x-ndjson") || !take_setup(client, setup))
        return false;
    return curl && curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_URL, url) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, client->why) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, forget) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_USERAGENT, "actant") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, ANSWER_MS) == CURLE_OK;
}

enum act_err
act_http_open(const char *url, struct act_str setup, struct act_http_client **ret,
              struct act_error *err)
{
    struct act_http_client *client = act_zalloc(1, sizeof(*client));
    client->curl = curl_easy_init();
    if (!set_up(client, url, setup)) {
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
    for (struct curl_slist *header = client->headers; header; header = header->next)
        explicit_bzero(header->data, strlen(header->data));
    curl_slist_free_all(client->headers);
    wipe(&client->key);
    act_free(client);
}

/* One more header, before the others: who signs signs each body. NULL: none. */
static struct curl_slist *
sign(const struct act_http_client *client, struct act_str body)
{
    uint8_t sum[ACT_SHA256_BYTES];
    char hex[2 * ACT_SHA256_BYTES + 1];
    struct act_buf text = {0};
    if (!client->has_key)
        return NULL;
    act_hmac_sha256(act_buf_str(&client->key), body, sum);
    act_hex(hex, sum, sizeof(sum));
    act_buf_printf(&text, "X-Actant-Signature-256: sha256=%s", hex);
    struct curl_slist *header = curl_slist_append(NULL, text.ptr);
    act_buf_fini(&text);
    if (header)
        header->next = client->headers;
    return header;
}

enum act_err
act_http_post(struct act_http_client *client, struct act_str body, struct act_error *err)
{
    long status = 0;
    client->why[0] = '\0';
    curl_easy_setopt(client->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
    curl_easy_setopt(client->curl, CURLOPT_POSTFIELDS, body.ptr);
    struct curl_slist *signature = sign(client, body);
    if (client->has_key && !signature)
        return act_error_set(err, ACT_ERR_SYSTEM, "the body could not be signed");
    curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, signature ? signature : client->headers);
    CURLcode code = curl_easy_perform(client->curl);
    if (signature) {
        signature->next = NULL;
        curl_slist_free_all(signature);
    }
    if (code != CURLE_OK)
        return act_error_set(err, ACT_ERR_SYSTEM, "%s",
                             client->why[0] ? client->why : curl_easy_strerror(code));
    curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status < 200 || status > 299)
        return act_error_set(err, ACT_ERR_SYSTEM, "the answer was HTTP %ld", status);
    return ACT_OK;
}

/* The plugin http: requests by libcurl. What comes is bounded, certificates are verified, and a status that is
 * not expected fails the task. */
#include "executors/plugin/shipped/shipped.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <strings.h>
#include <unistd.h>

#define SHOWN_BYTES 300 /* of a body that came with an unexpected status */

struct request {
    struct actant_call *call;
    struct actant_json args;
    CURL *curl;
    struct curl_slist *headers;
    char error[CURL_ERROR_SIZE];
    struct actant_json_out body; /* what came, as bytes */
    struct actant_json_out seen; /* the headers that came, a JSON object under way */
    FILE *file;                  /* where it goes, if it is to be saved */
    char *path, *part;
    int64_t bytes, bytes_max;
    bool too_large;
    bool has_content_type; /* of the request */
};

/* ---- what comes ---- */

static size_t
take_body(char *bytes, size_t size, size_t count, void *self)
{
    struct request *r = self;
    size_t length = size * count;
    r->bytes += (int64_t)length;
    r->too_large = r->bytes > r->bytes_max;
    if (r->too_large)
        return 0;
    if (r->file)
        return fwrite(bytes, 1, length, r->file);
    actant_json_add(&r->body, bytes, length);
    return r->body.failed ? 0 : length;
}

/* The headers of the last answer: each one begins with a status line. */
static size_t
take_header(char *bytes, size_t size, size_t count, void *self)
{
    struct request *r = self;
    size_t length = size * count, end = length;
    const char *colon = memchr(bytes, ':', length);
    while (end > 0 && (bytes[end - 1] == '\r' || bytes[end - 1] == '\n'))
        end--;
    if (!colon) {
        if (end > 5 && strncmp(bytes, "HTTP/", 5) == 0) {
            r->seen.length = 0;
            r->seen.comma = 0;
            actant_json_open(&r->seen, '{');
        }
        return length;
    }
    char name[128];
    size_t name_length = (size_t)(colon - bytes);
    if (name_length >= sizeof(name))
        return length;
    for (size_t i = 0; i < name_length; i++)
        name[i] = (char)(bytes[i] >= 'A' && bytes[i] <= 'Z' ? bytes[i] | 0x20 : bytes[i]);
    name[name_length] = '\0';
    const char *value = colon + 1;
    while (value < bytes + end && (*value == ' ' || *value == '\t'))
        value++;
    actant_json_key(&r->seen, name);
    actant_json_put_bytes(&r->seen, value, (size_t)(bytes + end - value));
    return length;
}

static int
look_around(void *self, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up)
{
    struct request *r = self;
    (void)up_total;
    (void)up;
    if (total > 0 && now > 0)
        actant_call_progress(r->call, (double)now / (double)total, NULL);
    return actant_call_cancelled(r->call);
}

/* ---- what goes ---- */

static int
no_memory(const struct request *r)
{
    return actant_call_fail(r->call, "NoMemory", "out of memory");
}

static int
set_headers(struct request *r)
{
    struct actant_json_member member = {0};
    struct actant_json headers = actant_json_get(r->args, "headers");
    while (actant_json_next(headers, &member)) {
        char *name = actant_json_text(member.key, ""), *value = actant_json_text(member.value, "");
        size_t size = (name ? strlen(name) : 0) + (value ? strlen(value) : 0) + 4;
        char *line = malloc(size);
        int failed = name && value && line ? 0 : no_memory(r);
        if (!failed && (strpbrk(name, "\r\n: ") || strpbrk(value, "\r\n")))
            failed = shipped_fail(r->call, "Header", "the header '%.60s' holds what none may hold",
                                  name);
        if (!failed) {
            /* curl wants a header without a value ended by a semicolon. */
            snprintf(line, size, *value ? "%s: %s" : "%s;%s", name, value);
            struct curl_slist *list = curl_slist_append(r->headers, line);
            failed = list ? 0 : no_memory(r);
            r->headers = list ? list : r->headers;
            r->has_content_type = r->has_content_type || strcasecmp(name, "content-type") == 0;
        }
        free(name);
        free(value);
        free(line);
        if (failed)
            return failed;
    }
    return 0;
}

/* Text goes as it is, other values as JSON. */
static int
set_body(struct request *r)
{
    struct actant_json body = actant_json_get(r->args, "body");
    char type = actant_json_type(body);
    size_t length = 0;
    if (type == 0 || type == 'n')
        return 0;
    char *bytes = actant_json_bytes(body, NULL, &length);
    if (!bytes)
        return no_memory(r);
    curl_easy_setopt(r->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)length);
    curl_easy_setopt(r->curl, CURLOPT_COPYPOSTFIELDS, bytes);
    free(bytes);
    if (!r->has_content_type) {
        struct curl_slist *list =
            curl_slist_append(r->headers, type == '"' ? "Content-Type: text/plain; charset=utf-8"
                                                      : "Content-Type: application/json");
        if (!list)
            return no_memory(r);
        r->headers = list;
    }
    return 0;
}

/* Takes text; NULL: it is not given. */
static int
set_text(struct request *r, CURLoption option, const char *name, char *text)
{
    CURLcode code = text ? curl_easy_setopt(r->curl, option, text) : CURLE_OK;
    free(text);
    return code == CURLE_OK
               ? 0
               : shipped_fail(r->call, "Request", "%s: %s", name, curl_easy_strerror(code));
}

static int
set_file(struct request *r)
{
    r->path = shipped_path_of(r->call, r->args, "to");
    if (!r->path)
        return 0;
    size_t size = strlen(r->path) + strlen(r->call->attempt_id) + 8;
    r->part = malloc(size);
    if (!r->part)
        return no_memory(r);
    snprintf(r->part, size, "%s.%s.part", r->path, r->call->attempt_id);
    r->file = fopen(r->part, "wbe");
    return r->file ? 0 : shipped_fail(r->call, "File", "%s: %s", r->part, strerror(errno));
}

static void
set_options(struct request *r)
{
    CURL *curl = r->curl;
    long redirects = (long)actant_json_integer(actant_json_get(r->args, "redirects"), 5);
    bool verify = actant_json_boolean(actant_json_get(r->args, "verify"), 1);
    double timeout = actant_json_number(actant_json_get(r->args, "timeout"), 30);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, r->error);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, redirects > 0 ? 1L : 0L);
    curl_easy_setopt(curl, CURLOPT_MAXREDIRS, redirects);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(timeout * 1000));
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, verify ? 1L : 0L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, verify ? 2L : 0L);
    curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "");
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "actant-http/1.0");
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, r);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, r);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, look_around);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, r);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
}

static int
prepare(struct request *r)
{
    set_options(r);
    r->bytes_max = actant_json_integer(actant_json_get(r->args, "max_bytes"), 10 << 20);
    int failed =
        set_text(r, CURLOPT_URL, "url", actant_json_text(actant_json_get(r->args, "url"), NULL));
    if (!failed)
        failed =
            set_text(r, CURLOPT_CAINFO, "ca_file", shipped_path_of(r->call, r->args, "ca_file"));
    if (!failed)
        failed = set_headers(r);
    if (!failed)
        failed = set_body(r);
    if (!failed)
        failed = set_text(r, CURLOPT_CUSTOMREQUEST, "method",
                          actant_json_text(actant_json_get(r->args, "method"), NULL));
    if (!failed && actant_json_is(actant_json_get(r->args, "method"), "HEAD"))
        curl_easy_setopt(r->curl, CURLOPT_NOBODY, 1L);
    if (!failed)
        failed = set_file(r);
    curl_easy_setopt(r->curl, CURLOPT_HTTPHEADER, r->headers);
    return failed;
}

/* ---- the answer ---- */

static int
say_failed(const struct request *r, CURLcode code)
{
    if (actant_call_cancelled(r->call))
        return actant_call_fail(r->call, "Cancelled", "it was told to stop");
    if (r->too_large)
        return shipped_fail(r->call, "TooLarge", "the answer is longer than max_bytes (%lld)",
                            (long long)r->bytes_max);
    const char *type = code == CURLE_OPERATION_TIMEDOUT         ? "Timeout"
                       : code == CURLE_PEER_FAILED_VERIFICATION ? "Certificate"
                       : code == CURLE_COULDNT_CONNECT          ? "Connect"
                       : code == CURLE_COULDNT_RESOLVE_HOST     ? "Resolve"
                                                                : "Request";
    return shipped_fail(r->call, type, "%s", r->error[0] ? r->error : curl_easy_strerror(code));
}

static bool
is_expected(const struct request *r, long status)
{
    struct actant_json_member member = {0};
    struct actant_json expect = actant_json_get(r->args, "expect");
    if (actant_json_type(expect) != '[')
        return status >= 200 && status < 300;
    while (actant_json_next(expect, &member))
        if (actant_json_integer(member.value, 0) == status)
            return true;
    return false;
}

static int
check_status(struct request *r, long status)
{
    char *url = NULL;
    if (is_expected(r, status))
        return 0;
    curl_easy_getinfo(r->curl, CURLINFO_EFFECTIVE_URL, &url);
    int shown = r->body.length > SHOWN_BYTES ? SHOWN_BYTES : (int)r->body.length;
    return shipped_fail(r->call, "Status", "%.300s answered with status %ld%s%.*s", url ? url : "",
                        status, shown ? ": " : "", shown, r->body.text ? r->body.text : "");
}

static bool
is_text(const struct request *r)
{
    size_t at = 0;
    while (at < r->body.length) {
        size_t whole =
            actant_json_character((const unsigned char *)r->body.text + at, r->body.length - at);
        if (whole == 0 || r->body.text[at] == '\0')
            return false;
        at += whole;
    }
    return true;
}

/* Text, for fromJSON where it is JSON; what is no text is base64. */
static void
put_body(struct request *r, struct actant_json_out *out)
{
    bool text = is_text(r);
    actant_json_key(out, "body");
    if (text)
        actant_json_put_bytes(out, r->body.text ? r->body.text : "", r->body.length);
    else
        actant_json_put_text(out, NULL);
    actant_json_key(out, "base64");
    if (text)
        actant_json_put_text(out, NULL);
    else
        shipped_put_base64(out, (const unsigned char *)r->body.text, r->body.length);
}

static int
save(struct request *r, int failed)
{
    if (!r->part)
        return failed;
    if (r->file && fclose(r->file) != 0 && !failed)
        failed = shipped_fail(r->call, "File", "%s: %s", r->part, strerror(errno));
    r->file = NULL;
    if (!failed && rename(r->part, r->path) != 0)
        failed = shipped_fail(r->call, "File", "%s: %s", r->path, strerror(errno));
    if (failed)
        unlink(r->part);
    return failed;
}

static int
answer(struct request *r, long status)
{
    struct actant_json_out out = {0};
    char *url = NULL;
    double seconds = 0;
    curl_easy_getinfo(r->curl, CURLINFO_EFFECTIVE_URL, &url);
    curl_easy_getinfo(r->curl, CURLINFO_TOTAL_TIME, &seconds);
    actant_json_close(&r->seen, '}');
    actant_json_open(&out, '{');
    actant_json_key(&out, "status");
    actant_json_put_integer(&out, status);
    actant_json_key(&out, "url");
    actant_json_put_text(&out, url);
    actant_json_key(&out, "seconds");
    actant_json_put_number(&out, seconds);
    actant_json_key(&out, "bytes");
    actant_json_put_integer(&out, r->bytes);
    actant_json_key(&out, "headers");
    if (r->seen.length > 1)
        actant_json_put(&out, r->seen.text, r->seen.length);
    else
        actant_json_put(&out, "{}", 2);
    actant_json_key(&out, "path");
    actant_json_put_text(&out, r->path);
    put_body(r, &out);
    actant_json_close(&out, '}');
    return shipped_result(r->call, &out);
}

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
begin(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

static int
request(struct actant_call *call, const char *args, size_t length)
{
    struct request r = {.call = call, .args = actant_json_from(args, length)};
    long status = 0;
    pthread_once(&once, begin);
    r.curl = curl_easy_init();
    int failed = r.curl ? prepare(&r) : no_memory(&r);
    if (!failed) {
        CURLcode code = curl_easy_perform(r.curl);
        failed = code == CURLE_OK ? 0 : say_failed(&r, code);
    }
    if (!failed) {
        curl_easy_getinfo(r.curl, CURLINFO_RESPONSE_CODE, &status);
        failed = check_status(&r, status);
    }
    failed = save(&r, failed);
    if (!failed)
        failed = answer(&r, status);
    curl_easy_cleanup(r.curl);
    curl_slist_free_all(r.headers);
    free(r.body.text);
    free(r.seen.text);
    free(r.path);
    free(r.part);
    return failed;
}

static const struct actant_plugin_task tasks[] = {
    {"request", request,
     "{\"type\": \"object\", \"properties\": {"
     " \"url\": {\"type\": \"string\", \"pattern\": \"^https?://\"},"
     " \"method\": {\"type\": \"string\", \"pattern\": \"^[A-Z]+$\","
     "   \"description\": \"GET, or POST with a body, unless given\"},"
     " \"headers\": {\"type\": \"object\", \"additionalProperties\": {\"type\": \"string\"}},"
     " \"body\": {\"description\": \"text as it is, anything else as JSON\"},"
     " \"timeout\": {\"type\": \"number\", \"exclusiveMinimum\": 0, \"maximum\": 86400,"
     "   \"default\": 30, \"description\": \"seconds, for all of it\"},"
     " \"verify\": {\"type\": \"boolean\", \"default\": true,"
     "   \"description\": \"check the server's certificate\"},"
     " \"ca_file\": {\"type\": \"string\", \"description\": \"certificates to trust, PEM\"},"
     " \"redirects\": {\"type\": \"integer\", \"minimum\": 0, \"maximum\": 50, \"default\": 5},"
     " \"expect\": {\"type\": \"array\", \"items\": {\"type\": \"integer\"},"
     "   \"description\": \"statuses that are well; 200 to 299 unless given\"},"
     " \"max_bytes\": {\"type\": \"integer\", \"minimum\": 0, \"default\": 10485760},"
     " \"to\": {\"type\": \"string\", \"minLength\": 1, \"description\": \"save the body there\"}},"
     " \"required\": [\"url\"]}",
     "{\"type\": \"object\", \"properties\": {\"status\": {\"type\": \"integer\"},"
     " \"headers\": {\"type\": \"object\"}, \"bytes\": {\"type\": \"integer\"}}}",
     "Makes an HTTP request."},
};

static const struct actant_plugin plugin = {
    ACTANT_PLUGIN_ABI, sizeof(plugin), "http", "1.0.0", ACTANT_PLUGIN_LIST(tasks), NULL, 0, 0,
};

const struct actant_plugin *
actant_plugin_v1(void)
{
    return &plugin;
}

#include "engine/io/http/post.h"
#include "node/jobs.h"
#include "node/stream.h"

#include <string.h>

int
act_node_post(const char *url)
{
    struct act_http_client *client = NULL;
    struct act_buf body = {0};
    struct act_error err = {0};
    if (!act_stream_block(&body))
        return 0;
    enum act_err opened = act_http_open(url, act_buf_str(&body), &client, &err);
    explicit_bzero(body.ptr, body.cap);
    while (act_stream_block(&body)) {
        enum act_err code = opened ? opened : act_http_post(client, act_buf_str(&body), &err);
        if (!act_stream_answer(code, &err, ""))
            break;
    }
    act_http_close(client);
    act_buf_fini(&body);
    return 0;
}

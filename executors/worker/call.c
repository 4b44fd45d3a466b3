#include "executors/worker/call.h"

#include "base/alloc.h"

#define QUICK_NS (INT64_C(2) * 1000000)
#define AVERAGE_OVER 8

/* ---- functions ---- */

void
act_function_took(struct act_function *function, int64_t ns)
{
    if (function->usual_ns < 0)
        function->usual_ns = ns;
    else
        function->usual_ns += (ns - function->usual_ns) / AVERAGE_OVER;
}

bool
act_function_is_quick(const struct act_function *function)
{
    return function->known && !function->beside && function->usual_ns >= 0 &&
           function->usual_ns < QUICK_NS;
}

struct act_function *
act_functions_get(struct act_functions *functions, struct act_str name)
{
    uint64_t *at = act_map_get(&functions->by_name, name);
    if (at)
        return functions->all.ptr[*at];
    struct act_function *function = act_zalloc(1, sizeof *function);
    function->name = act_strndup(name.ptr, name.len);
    function->usual_ns = -1;
    act_map_put(&functions->by_name, act_str_n(function->name, name.len), functions->all.len);
    act_vec_push(&functions->all, function);
    return function;
}

void
act_functions_fini(struct act_functions *functions)
{
    for (uint32_t i = 0; i < functions->all.len; i++) {
        act_free(functions->all.ptr[i]->name);
        act_free(functions->all.ptr[i]);
    }
    act_vec_fini(&functions->all);
    act_map_fini(&functions->by_name);
}

/* ---- lists ---- */

void
act_call_list_add(struct act_call_list *list, struct act_worker_call *call)
{
    call->prev = list->last;
    call->next = NULL;
    *(list->last ? &list->last->next : &list->first) = call;
    list->last = call;
    list->count++;
}

void
act_call_list_remove(struct act_call_list *list, struct act_worker_call *call)
{
    *(call->prev ? &call->prev->next : &list->first) = call->next;
    *(call->next ? &call->next->prev : &list->last) = call->prev;
    call->prev = call->next = NULL;
    list->count--;
}

/* ---- life ---- */

void
act_call_release(struct act_worker_call *call)
{
    if (call->messages > 0)
        return;
    act_buf_fini(&call->request);
    act_free(call->context);
    act_free(call);
}

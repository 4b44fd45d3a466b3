/* Typed growing arrays: `ACT_VEC(struct foo) foos = {0}; act_vec_push(&foos, foo);`.
 * Fields ptr, len, cap are open. The holder owns the memory; act_vec_fini frees it. */
#ifndef ACT_BASE_VEC_H
#define ACT_BASE_VEC_H

#include "base/alloc.h"

#include <stdint.h>

#define ACT_VEC(type)                                                                              \
    struct {                                                                                       \
        type *ptr;                                                                                 \
        uint32_t len;                                                                              \
        uint32_t cap;                                                                              \
    }

/* The same with a name, so that it can be passed on: ACT_VEC_TYPE(foos, struct foo) declares struct
 * foos. */
#define ACT_VEC_TYPE(name, type)                                                                   \
    struct name {                                                                                  \
        type *ptr;                                                                                 \
        uint32_t len;                                                                              \
        uint32_t cap;                                                                              \
    }

/* Makes room for one more element of size elem_size; grows by doubling. */
void *act_vec_grow(void *ptr, uint32_t len, uint32_t *cap, size_t elem_size);

#define act_vec_push(vec, value)                                                                   \
    ((vec)->len == (vec)->cap                                                                      \
         ? (void)((vec)->ptr =                                                                     \
                      act_vec_grow((vec)->ptr, (vec)->len, &(vec)->cap, sizeof(*(vec)->ptr)))      \
         : (void)0,                                                                                \
     (vec)->ptr[(vec)->len++] = (value))
#define act_vec_pop(vec) ((vec)->ptr[--(vec)->len])
#define act_vec_last(vec) (&(vec)->ptr[(vec)->len - 1])
#define act_vec_clear(vec) ((void)((vec)->len = 0))
#define act_vec_fini(vec) (act_free((vec)->ptr), (vec)->ptr = NULL, (vec)->len = 0, (vec)->cap = 0)

#endif

#include "engine/actor/kin.h"

#include "base/alloc.h"

struct act_kin *
act_kin_create(void)
{
    struct act_kin *kin = act_zalloc(1, sizeof(*kin));
    act_mutex_init(&kin->lock);
    return kin;
}

void
act_kin_destroy(struct act_kin *kin)
{
    act_table_fini(&kin->heads);
    act_mutex_fini(&kin->lock);
    act_free(kin);
}

void
act_kin_add(struct act_kin *kin, struct actant_ref head, struct act_family *family)
{
    act_mutex_lock(&kin->lock);
    if (!family->headless) {
        act_table_put(&kin->heads, head.v, family);
    }
    act_mutex_unlock(&kin->lock);
}

void
act_kin_remove(struct act_kin *kin, struct actant_ref head, struct act_family *family)
{
    act_mutex_lock(&kin->lock);
    family->headless = true;
    act_table_take(&kin->heads, head.v);
    act_mutex_unlock(&kin->lock);
}

struct act_family *
act_kin_hold(struct act_kin *kin, struct actant_ref head)
{
    act_mutex_lock(&kin->lock);
    struct act_family *family = act_table_get(&kin->heads, head.v);
    if (family) {
        atomic_fetch_add_explicit(&family->refs, 1, memory_order_relaxed);
    }
    act_mutex_unlock(&kin->lock);
    return family;
}

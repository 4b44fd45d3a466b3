/* Snapshots, shared by the files of this folder and the tests of them only: the table of what is in one.
 *
 * A snapshot is: format, machine, plan hash; seq, steps, fields of the run; the slots of the slab, a
 * free one with its generation alone, else its fields, what is inside and its task; the spare slots, the
 * ring, signals, cancels. A value is written where it comes first and named by its number from then on,
 * so that what is shared stays shared. Two runs in the same state have the same bytes. */
#ifndef ACT_ENGINE_CORE_SNAPSHOT_H
#define ACT_ENGINE_CORE_SNAPSHOT_H

#include "base/wire.h"
#include "engine/core/machine.h"

#define ACT_SNAPSHOT_FORMAT 1

enum act_field_kind {
    ACT_FIELD_BOOL,
    ACT_FIELD_U8,
    ACT_FIELD_U32,
    ACT_FIELD_I32,
    ACT_FIELD_U64,
    ACT_FIELD_I64,
    ACT_FIELD_SLOT,
    ACT_FIELD_VALUE,
    ACT_FIELD_OWN,
};
struct act_field {
    uint8_t number, kind;
    uint16_t at; /* offset in its struct */
    const char *name;
};
struct act_fields {
    const struct act_field *ptr;
    uint32_t len;
};
enum act_field_group { ACT_OF_RUN, ACT_OF_INSTANCE, ACT_OF_INSIDE, ACT_FIELD_GROUPS };
struct act_fields act_snapshot_fields(enum act_field_group group);

enum act_snapshot_part {
#define ACT_SNAPSHOT_PART(name) ACT_PART_##name,
#include "engine/core/snapshot.def"
    ACT_SNAPSHOT_PARTS
};
const char *act_snapshot_part_text(enum act_snapshot_part part);

/* act_run_save, for the tests of the table: without one field, or one part (ACT_SNAPSHOT_PARTS: none). */
struct act_snapshot_omit {
    const struct act_field *field;
    enum act_snapshot_part part;
};
bool act_snapshot_write(struct act_run *run, size_t max_bytes, const struct act_snapshot_omit *omit,
                        struct act_buf *out);

/* snapshot_check.c: is what was read a state that the machine may be in, as far as it relies on it
 * without looking? */
bool act_snapshot_check(struct act_run *run);
/* What executors rely on. */
bool act_snapshot_fits_task(const struct act_task *task);

/* task.c: an evaluated task as a snapshot has it. */
#define ACT_TASK_VALUES 6
struct act_task_saved {
    uint32_t attempt;
    bool args_entered;
    struct act_value
        *values[ACT_TASK_VALUES]; /* argv, args, with, env, stdin, actor_with; or NULL */
};
void act_taskbox_save(const struct act_taskbox *box, struct act_task_saved *ret); /* lent */
/* inst->task from it, when everything around inst is there; takes the values. False: it fits no task. */
bool act_taskbox_load(struct act_run *run, struct act_instance *inst, struct act_task_saved *saved);

/* facts.c: what a run takes from RUN_STARTED's value. */
void act_run_learn(struct act_run *run, const struct act_value *start);

#endif

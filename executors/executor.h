/* Moved: engine/run/executor.h. */
#ifndef ACT_EXECUTORS_EXECUTOR_H
#define ACT_EXECUTORS_EXECUTOR_H
#include "engine/run/executor.h"
#endif

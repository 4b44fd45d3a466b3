/* The files of worker/, one after the other; made a C array when actant is built (cmake/ActEmbed.cmake). */
#ifndef ACT_EXECUTORS_PYTHON_SOURCE_H
#define ACT_EXECUTORS_PYTHON_SOURCE_H

#include <stddef.h>

extern const unsigned char act_python_source[];
extern const size_t act_python_source_bytes;

#endif

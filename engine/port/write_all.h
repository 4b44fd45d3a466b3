/* Bytes to a descriptor, all of them: for adapters, which have descriptors. */
#ifndef ACT_ENGINE_PORT_WRITE_ALL_H
#define ACT_ENGINE_PORT_WRITE_ALL_H

#include "base/str.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

/* 0, or the errno of why it could not; what had been written by then stays. Waits where the descriptor would
 * block. ENOSPC: it takes nothing and does not say why. */
static inline int
act_write_all(int fd, struct act_str bytes)
{
    int failed = 0;
    while (bytes.len > 0 && !failed) {
        struct pollfd room = {.fd = fd, .events = POLLOUT};
        ssize_t put = write(fd, bytes.ptr, bytes.len);
        if (put > 0)
            bytes = act_str_n(bytes.ptr + put, bytes.len - (size_t)put);
        else if (put == 0)
            failed = ENOSPC;
        else if (errno == EAGAIN)
            failed = poll(&room, 1, -1) < 0 && errno != EINTR ? errno : 0;
        else if (errno != EINTR)
            failed = errno;
    }
    return failed;
}

#endif

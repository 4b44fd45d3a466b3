#include "embed/processors.h"

#include "base/str.h"

#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define GROUP_BYTES 4096

static bool
read_small(const char *path, char *out, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, out, size - 1);
    close(fd);
    out[n > 0 ? n : 0] = '\0';
    return n > 0;
}

static uint32_t
affinity(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 0)
        return (uint32_t)CPU_COUNT(&set);
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (uint32_t)online : 1;
}

static uint32_t
share(long long quota, long long period, uint32_t most)
{
    if (quota <= 0 || period <= 0)
        return most;
    long long whole = (quota + period - 1) / period;
    return whole < (long long)most ? (uint32_t)whole : most;
}

/* Of one group of either version. */
static uint32_t
group_share(const char *folder, bool second, uint32_t most)
{
    char path[GROUP_BYTES + 64], text[64], period[64];
    if (second) {
        snprintf(path, sizeof(path), "%s/cpu.max", folder);
        char *rest;
        if (!read_small(path, text, sizeof(text)))
            return most;
        long long quota = strtoll(text, &rest, 10); /* "max" gives 0 */
        return share(quota, strtoll(rest, NULL, 10), most);
    }
    snprintf(path, sizeof(path), "%s/cpu.cfs_quota_us", folder);
    if (!read_small(path, text, sizeof(text)))
        return most;
    snprintf(path, sizeof(path), "%s/cpu.cfs_period_us", folder);
    if (!read_small(path, period, sizeof(period)))
        return most;
    return share(strtoll(text, NULL, 10), strtoll(period, NULL, 10), most);
}

/* The group and all above it, up to the mount: inside a container the path may not exist there. */
static uint32_t
climb(const char *mount, const char *group, size_t len, bool second, uint32_t most)
{
    char folder[GROUP_BYTES];
    size_t base = strlen(mount);
    if (base + len + 1 > sizeof(folder))
        return most;
    while (len > 0 && group[len - 1] == '/')
        len--;
    memcpy(folder, mount, base);
    memcpy(folder + base, group, len);
    for (size_t end = base + len;;) {
        folder[end] = '\0';
        most = group_share(folder, second, most);
        if (end <= base)
            return most;
        while (end > base && folder[end - 1] != '/')
            end--;
        end -= end > base;
    }
}

static bool
has_controller(struct act_str list, const char *name)
{
    while (list.len > 0) {
        const char *comma = memchr(list.ptr, ',', list.len);
        size_t len = comma ? (size_t)(comma - list.ptr) : list.len;
        if (act_str_is(act_str_n(list.ptr, len), name))
            return true;
        len += comma != NULL;
        list = act_str_n(list.ptr + len, list.len - len);
    }
    return false;
}

uint32_t
act_processors(void)
{
    char text[GROUP_BYTES];
    uint32_t most = affinity();
    if (most == 1 || !read_small("/proc/self/cgroup", text, sizeof(text)))
        return most;
    for (char *line = text; *line;) { /* "0::/path", "4:cpu,cpuacct:/path" */
        size_t len = strcspn(line, "\n"), first = strcspn(line, ":");
        size_t second = first < len ? first + 1 + strcspn(line + first + 1, ":") : len;
        if (second < len) {
            struct act_str controllers = act_str_n(line + first + 1, second - first - 1);
            const char *group = line + second + 1;
            size_t bytes = len - second - 1;
            if (controllers.len == 0)
                most = climb("/sys/fs/cgroup", group, bytes, true, most);
            else if (has_controller(controllers, "cpu"))
                most = climb("/sys/fs/cgroup/cpu", group, bytes, false, most);
        }
        line += len + (line[len] == '\n');
    }
    return most > 0 ? most : 1;
}

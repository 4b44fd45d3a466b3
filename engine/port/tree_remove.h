/* A folder with all that is in it goes. */
#ifndef ACT_ENGINE_PORT_TREE_REMOVE_H
#define ACT_ENGINE_PORT_TREE_REMOVE_H

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>

static _Thread_local int act_tree_error_; /* nftw hands nothing through */

static inline int
act_tree_remove_one_(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    if (remove(path) != 0 && errno != ENOENT && act_tree_error_ == 0)
        act_tree_error_ = errno;
    return 0;
}

/* Removes as much as can be removed; links go, what they lead to stays. 0, also if nothing is there, or
 * the first errno. */
static inline int
act_tree_remove(const char *path)
{
    enum { OPEN_FOLDERS_MAX = 16 };
    struct stat st;
    if (lstat(path, &st) != 0)
        return errno == ENOENT ? 0 : errno;
    act_tree_error_ = 0;
    int walked = nftw(path, act_tree_remove_one_, OPEN_FOLDERS_MAX, FTW_DEPTH | FTW_PHYS);
    return act_tree_error_ || walked == 0 ? act_tree_error_ : errno;
}

#endif

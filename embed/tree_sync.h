/* What was made is on the disk: content, and the names under which it is found. Any thread. */
#ifndef ACT_EMBED_TREE_SYNC_H
#define ACT_EMBED_TREE_SYNC_H

enum act_tree_sync { ACT_TREE_FOLDERS, ACT_TREE_ALL };

/* The folder top with all that is in it (FOLDERS: names alone, the files' content being there already), and so many
 * folders above it. A top that is not there is nothing. errno, or 0. */
int act_tree_sync(const char *top, unsigned above, enum act_tree_sync what);

/* Folders above a run's that its name depends on: the runs' one, and that one's, which the database is in. */
#define ACT_ABOVE_RUN 2

#endif

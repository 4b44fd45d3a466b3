#include "engine/io/sqlite/process_name.h"

#include <stdio.h>
#include <string.h>

void
act_process_name(long pid, char *text, size_t size)
{
    char path[64], name[64] = "";
    snprintf(path, sizeof(path), "/proc/%ld/comm", pid);
    FILE *file = fopen(path, "re");
    if (file) {
        if (fgets(name, sizeof(name), file))
            name[strcspn(name, "\n")] = '\0';
        fclose(file);
    }
    snprintf(text, size, name[0] ? "process %ld (%s)" : "process %ld", pid, name);
}

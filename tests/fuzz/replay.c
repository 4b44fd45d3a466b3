/* Runs a fuzz target over the files of a folder: the corpus as a test, for builds without
 * libFuzzer. Each input is also cut short at many places, since truncation is the commonest
 * damage. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CUTS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A copy on the heap of exactly the size, so that reading past the end is seen. */
static void
run_exact(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);

    if (copy == NULL)
        abort();
    if (size > 0)
        memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static int
run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = NULL;
    long size = -1;
    size_t step = 1;
    int status = 1;

    if (file != NULL && fseek(file, 0, SEEK_END) == 0)
        size = ftell(file);
    if (size < 0)
        goto out;
    rewind(file);
    bytes = malloc((size_t)size + 1);
    if (bytes == NULL || fread(bytes, 1, (size_t)size, file) != (size_t)size)
        goto out;
    if (size > CUTS_MAX)
        step = (size_t)size / CUTS_MAX;
    for (size_t len = 0; len < (size_t)size; len += step)
        run_exact(bytes, len);
    run_exact(bytes, (size_t)size);
    status = 0;
out:
    if (status != 0)
        perror(path);
    free(bytes);
    if (file != NULL)
        fclose(file);
    return status;
}

int
main(int argc, char **argv)
{
    DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;
    struct dirent *entry;
    int count = 0, failed = 0;

    if (dir == NULL) {
        fprintf(stderr, "usage: %s CORPUS (a folder that exists)\n", argv[0]);
        return 2;
    }
    while ((entry = readdir(dir)) != NULL) {
        char path[4096];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", argv[1], entry->d_name);
        failed += run_file(path);
        count++;
    }
    closedir(dir);
    printf("%d inputs replayed, %d unreadable\n", count, failed);
    return failed > 0 || count == 0;
}

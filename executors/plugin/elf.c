#include "executors/plugin/elf.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct machine {
    int number;
    const char *name;
} machines[] = {
    {EM_X86_64, "x86-64"},     {EM_386, "x86 (32 bits)"}, {EM_AARCH64, "arm64"},
    {EM_ARM, "arm (32 bits)"}, {EM_RISCV, "riscv"},       {EM_PPC64, "ppc64"},
    {EM_S390, "s390"},
};

static const char *
machine_name(int number)
{
    for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++)
        if (machines[i].number == number)
            return machines[i].name;
    return "an unknown machine";
}

/* We are an ELF program ourselves: what we are is what is wanted. */
static void
own_header(Elf64_Ehdr *ret)
{
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (fd < 0 || read(fd, ret, sizeof(*ret)) != (ssize_t)sizeof(*ret))
        memset(ret, 0, sizeof(*ret));
    if (fd >= 0)
        close(fd);
}

static enum act_err
refuse(struct act_error *err, const char *path, const char *what, const char *hint)
{
    act_error_set(err, ACT_ERR_FOREIGN, "%s: %s", path, what);
    act_error_hint(err, "%s", hint);
    return ACT_ERR_FOREIGN;
}

static enum act_err
check_header(const char *path, const Elf64_Ehdr *elf, size_t len, struct act_error *err)
{
    static const char build[] = "a plugin is built with `cc -shared -fPIC -o NAME.so NAME.c`; "
                                "`actant plugin new NAME` writes one that is";
    Elf64_Ehdr own;
    if (len < EI_NIDENT || memcmp(elf->e_ident, ELFMAG, SELFMAG) != 0)
        return refuse(err, path, "no shared library (no ELF file)", build);
    if (len < sizeof(*elf))
        return refuse(err, path, "no shared library (the file is cut off)", "build it again");
    own_header(&own);
    bool foreign = own.e_ident[EI_CLASS] && (elf->e_ident[EI_CLASS] != own.e_ident[EI_CLASS] ||
                                             elf->e_ident[EI_DATA] != own.e_ident[EI_DATA] ||
                                             elf->e_machine != own.e_machine);
    if (foreign) {
        act_error_set(err, ACT_ERR_FOREIGN, "%s: built for %s, and this is %s", path,
                      machine_name(elf->e_machine), machine_name(own.e_machine));
        act_error_hint(err, "build it on this machine, or with a compiler for it");
        return ACT_ERR_FOREIGN;
    }
    if (elf->e_type != ET_DYN)
        return refuse(err, path,
                      elf->e_type == ET_REL ? "an object file, no shared library"
                                            : "a program, no shared library",
                      build);
    return ACT_OK;
}

enum act_err
act_plugin_elf_check(const char *path, struct act_error *err)
{
    Elf64_Ehdr elf = {0};
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        enum act_err code = errno == ENOENT ? ACT_ERR_NOT_FOUND : ACT_ERR_SYSTEM;
        act_error_set(err, code, "%s: %s", path, strerror(errno));
        act_error_hint(err, code == ACT_ERR_NOT_FOUND ? "name the library's file"
                                                      : "make it readable for this user");
        return code;
    }
    if (fstat(fd, &st) == 0 && !S_ISREG(st.st_mode)) {
        close(fd);
        return refuse(err, path, "no shared library (no regular file)", "name the library's file");
    }
    ssize_t got = read(fd, &elf, sizeof(elf));
    int code = errno;
    close(fd);
    if (got < 0)
        return act_error_set(err, ACT_ERR_SYSTEM, "%s: %s", path, strerror(code));
    return check_header(path, &elf, (size_t)got, err);
}

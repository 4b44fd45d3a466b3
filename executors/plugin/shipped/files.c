/* The plugin files: checksums of files, and zstd compression. Everything goes through in pieces; what is
 * written stands under its name only when it is whole. */
#include "executors/plugin/shipped/shipped.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#define PIECE ((size_t)1 << 20)

static ssize_t
read_some(int fd, void *to, size_t size)
{
    ssize_t got;
    do
        got = read(fd, to, size);
    while (got < 0 && errno == EINTR);
    return got;
}

static bool
write_whole(int fd, const unsigned char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t done = write(fd, bytes, size);
        if (done < 0 && errno != EINTR)
            return false;
        bytes += done > 0 ? done : 0;
        size -= done > 0 ? (size_t)done : 0;
    }
    return true;
}

static int
stopped(struct actant_call *call)
{
    return actant_call_fail(call, "Cancelled", "it was told to stop");
}

/* ---- checksum ---------------------------------------------------------------------------------- */

enum algorithm { SHA256, SHA512, BLAKE2B, CRC32 };
static const char *const algorithms[] = {"sha256", "sha512", "blake2b", "crc32"};

struct hash {
    enum algorithm algorithm;
    crypto_hash_sha256_state sha256;
    crypto_hash_sha512_state sha512;
    crypto_generichash_blake2b_state blake2b;
    uLong crc32;
};

static void
hash_begin(struct hash *hash)
{
    crypto_hash_sha256_init(&hash->sha256);
    crypto_hash_sha512_init(&hash->sha512);
    crypto_generichash_blake2b_init(&hash->blake2b, NULL, 0, 64);
    hash->crc32 = crc32(0, NULL, 0);
}

static void
hash_add(struct hash *hash, const unsigned char *bytes, size_t size)
{
    switch (hash->algorithm) {
    case SHA256: crypto_hash_sha256_update(&hash->sha256, bytes, size); return;
    case SHA512: crypto_hash_sha512_update(&hash->sha512, bytes, size); return;
    case BLAKE2B: crypto_generichash_blake2b_update(&hash->blake2b, bytes, size); return;
    case CRC32: hash->crc32 = crc32(hash->crc32, bytes, (uInt)size); return;
    }
}

static void
hash_end(struct hash *hash, char hex[129])
{
    unsigned char sum[64];
    size_t size = 64;
    switch (hash->algorithm) {
    case SHA256:
        crypto_hash_sha256_final(&hash->sha256, sum);
        size = 32;
        break;
    case SHA512: crypto_hash_sha512_final(&hash->sha512, sum); break;
    case BLAKE2B: crypto_generichash_blake2b_final(&hash->blake2b, sum, sizeof(sum)); break;
    case CRC32:
        size = 4;
        for (int i = 0; i < 4; i++)
            sum[i] = (unsigned char)(hash->crc32 >> (24 - 8 * i));
        break;
    }
    sodium_bin2hex(hex, 129, sum, size);
}

static int
checksum_file(struct actant_call *call, const char *path, struct hash *hash, int64_t *ret_bytes)
{
    struct stat st;
    int failed = 0, fd = open(path, O_RDONLY | O_CLOEXEC);
    unsigned char *piece = malloc(PIECE);
    if (fd < 0 || !piece || fstat(fd, &st) != 0)
        failed = shipped_fail(call, "File", "%s: %s", path, strerror(errno));
    hash_begin(hash);
    while (!failed) {
        ssize_t got = read_some(fd, piece, PIECE);
        if (got < 0)
            failed = shipped_fail(call, "File", "%s: %s", path, strerror(errno));
        if (got <= 0)
            break;
        hash_add(hash, piece, (size_t)got);
        *ret_bytes += got;
        if (st.st_size > 0)
            actant_call_progress(call, (double)*ret_bytes / (double)st.st_size, NULL);
        if (actant_call_cancelled(call))
            failed = stopped(call);
    }
    if (fd >= 0)
        close(fd);
    free(piece);
    return failed;
}

static int
checksum(struct actant_call *call, const char *text, size_t length)
{
    struct actant_json args = actant_json_from(text, length);
    struct actant_json expect = actant_json_get(args, "expect");
    struct actant_json_out out = {0};
    char *path = shipped_path_of(call, args, "path"), hex[129] = "";
    struct hash hash = {.algorithm = SHA256};
    int64_t bytes = 0;
    for (int i = 0; i < 4; i++)
        if (actant_json_is(actant_json_get(args, "algorithm"), algorithms[i]))
            hash.algorithm = (enum algorithm)i;
    if (!path)
        return actant_call_fail(call, "NoMemory", "out of memory");
    int failed = checksum_file(call, path, &hash, &bytes);
    hash_end(&hash, hex);
    if (!failed && actant_json_type(expect) == '"' && !actant_json_is(expect, hex))
        failed = shipped_fail(call, "Mismatch", "%s: its %s is %s, not what is expected", path,
                              algorithms[hash.algorithm], hex);
    free(path);
    if (failed)
        return failed;
    actant_json_open(&out, '{');
    actant_json_key(&out, "algorithm");
    actant_json_put_text(&out, algorithms[hash.algorithm]);
    actant_json_key(&out, "hex");
    actant_json_put_text(&out, hex);
    actant_json_key(&out, "bytes");
    actant_json_put_integer(&out, bytes);
    actant_json_close(&out, '}');
    return shipped_result(call, &out);
}

/* ---- zstd -------------------------------------------------------------------------------------- */

/* From one file to another, which gets its name at the end. */
struct copying {
    struct actant_call *call;
    char *from, *to, *part; /* part: what to is called while it is not whole */
    int in, out;
    unsigned char *read, *written;
    size_t written_size;
    int64_t from_bytes, to_bytes, from_size, max;
};

static int
copying_failed(struct copying *c, const char *path)
{
    return shipped_fail(c->call, "File", "%s: %s", path, strerror(errno));
}

static int
copying_open(struct copying *c, size_t written_size)
{
    struct stat st;
    size_t size = strlen(c->to) + strlen(c->call->attempt_id) + 8;
    c->part = malloc(size);
    c->read = malloc(PIECE);
    c->written = malloc(written_size);
    c->written_size = written_size;
    if (!c->part || !c->read || !c->written)
        return actant_call_fail(c->call, "NoMemory", "out of memory");
    snprintf(c->part, size, "%s.%s.part", c->to, c->call->attempt_id);
    c->in = open(c->from, O_RDONLY | O_CLOEXEC);
    if (c->in < 0 || fstat(c->in, &st) != 0)
        return copying_failed(c, c->from);
    c->from_size = st.st_size;
    c->out = open(c->part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, st.st_mode & 0777);
    return c->out < 0 ? copying_failed(c, c->part) : 0;
}

/* How many bytes came; -1 after a failure. */
static ssize_t
copying_read(struct copying *c)
{
    ssize_t got = read_some(c->in, c->read, PIECE);
    if (got < 0)
        copying_failed(c, c->from);
    c->from_bytes += got > 0 ? got : 0;
    if (c->from_size > 0)
        actant_call_progress(c->call, (double)c->from_bytes / (double)c->from_size, NULL);
    if (got >= 0 && actant_call_cancelled(c->call)) {
        stopped(c->call);
        return -1;
    }
    return got;
}

static int
copying_write(struct copying *c, size_t size)
{
    c->to_bytes += (int64_t)size;
    if (c->max > 0 && c->to_bytes > c->max)
        return shipped_fail(c->call, "TooLarge", "%s: longer than max_bytes (%lld) when unpacked",
                            c->from, (long long)c->max);
    return write_whole(c->out, c->written, size) ? 0 : copying_failed(c, c->part);
}

static int
copying_close(struct copying *c, int failed)
{
    struct actant_json_out out = {0};
    if (c->out >= 0 && close(c->out) != 0 && !failed)
        failed = copying_failed(c, c->part);
    if (c->in >= 0)
        close(c->in);
    if (!failed && rename(c->part, c->to) != 0)
        failed = copying_failed(c, c->to);
    if (failed && c->part)
        unlink(c->part);
    if (!failed) {
        actant_json_open(&out, '{');
        actant_json_key(&out, "path");
        actant_json_put_text(&out, c->to);
        actant_json_key(&out, "bytes");
        actant_json_put_integer(&out, c->to_bytes);
        actant_json_key(&out, "from_bytes");
        actant_json_put_integer(&out, c->from_bytes);
        actant_json_close(&out, '}');
        failed = shipped_result(c->call, &out);
    }
    free(c->from);
    free(c->to);
    free(c->part);
    free(c->read);
    free(c->written);
    return failed;
}

static int
compress_all(struct copying *c, ZSTD_CCtx *zstd)
{
    for (;;) {
        ssize_t got = copying_read(c);
        if (got < 0)
            return 1;
        ZSTD_inBuffer in = {c->read, (size_t)got, 0};
        ZSTD_EndDirective how = got == 0 ? ZSTD_e_end : ZSTD_e_continue;
        for (size_t left = 1; how == ZSTD_e_end ? left > 0 : in.pos < in.size;) {
            ZSTD_outBuffer out = {c->written, c->written_size, 0};
            left = ZSTD_compressStream2(zstd, &out, &in, how);
            if (ZSTD_isError(left))
                return shipped_fail(c->call, "Zstd", "%s: %s", c->from, ZSTD_getErrorName(left));
            if (copying_write(c, out.pos))
                return 1;
        }
        if (got == 0)
            return 0;
    }
}

static int
decompress_all(struct copying *c, ZSTD_DCtx *zstd)
{
    size_t left = 1; /* of the frame under way */
    for (;;) {
        ssize_t got = copying_read(c);
        if (got < 0)
            return 1;
        if (got == 0)
            return left == 0 ? 0
                             : shipped_fail(c->call, "Zstd", "%s: the file is cut off", c->from);
        ZSTD_inBuffer in = {c->read, (size_t)got, 0};
        for (bool full = false; in.pos < in.size || full;) {
            ZSTD_outBuffer out = {c->written, c->written_size, 0};
            left = ZSTD_decompressStream(zstd, &out, &in);
            if (ZSTD_isError(left))
                return shipped_fail(c->call, "Zstd", "%s: %s", c->from, ZSTD_getErrorName(left));
            if (copying_write(c, out.pos))
                return 1;
            full = out.pos == out.size && left > 0;
        }
    }
}

/* `to` unless given: with .zst after it, or without. */
static char *
other_name(const char *from, bool add)
{
    size_t len = strlen(from), size = len + 16;
    char *to = malloc(size);
    bool has = len > 4 && strcmp(from + len - 4, ".zst") == 0;
    if (to && add)
        snprintf(to, size, "%s.zst", from);
    else if (to)
        snprintf(to, size, "%.*s%s", (int)(has ? len - 4 : len), from, has ? "" : ".unpacked");
    return to;
}

static int
transform(struct actant_call *call, const char *text, size_t length, bool packing)
{
    struct actant_json args = actant_json_from(text, length);
    struct copying c = {.call = call, .in = -1, .out = -1};
    ZSTD_CCtx *packer = packing ? ZSTD_createCCtx() : NULL;
    ZSTD_DCtx *unpacker = packing ? NULL : ZSTD_createDCtx();
    c.from = shipped_path_of(call, args, "path");
    c.to = shipped_path_of(call, args, "to");
    c.max = actant_json_integer(actant_json_get(args, "max_bytes"), 0);
    if (c.from && !c.to)
        c.to = other_name(c.from, packing);
    int failed = !c.from || !c.to || (!packer && !unpacker)
                     ? actant_call_fail(call, "NoMemory", "out of memory")
                     : copying_open(&c, packing ? ZSTD_CStreamOutSize() : ZSTD_DStreamOutSize());
    if (!failed && packing) {
        int level = (int)actant_json_integer(actant_json_get(args, "level"), 3);
        ZSTD_CCtx_setParameter(packer, ZSTD_c_compressionLevel, level);
        ZSTD_CCtx_setParameter(packer, ZSTD_c_checksumFlag, 1);
        failed = compress_all(&c, packer);
    } else if (!failed) {
        failed = decompress_all(&c, unpacker);
    }
    ZSTD_freeCCtx(packer);
    ZSTD_freeDCtx(unpacker);
    return copying_close(&c, failed);
}

static int
compress_file(struct actant_call *call, const char *args, size_t length)
{
    return transform(call, args, length, true);
}

static int
decompress_file(struct actant_call *call, const char *args, size_t length)
{
    return transform(call, args, length, false);
}

/* ---- the table --------------------------------------------------------------------------------- */

#define WRITTEN                                                                                    \
    "{\"type\": \"object\", \"properties\": {\"path\": {\"type\": \"string\"},"                    \
    " \"bytes\": {\"type\": \"integer\"}, \"from_bytes\": {\"type\": \"integer\"}}}"

static const struct actant_plugin_task tasks[] = {
    {"checksum", checksum,
     "{\"type\": \"object\", \"properties\": {"
     " \"path\": {\"type\": \"string\", \"minLength\": 1},"
     " \"algorithm\": {\"type\": \"string\", \"default\": \"sha256\","
     "   \"enum\": [\"sha256\", \"sha512\", \"blake2b\", \"crc32\"]},"
     " \"expect\": {\"type\": \"string\", \"description\": \"fail unless it is this, in hex\"}},"
     " \"required\": [\"path\"]}",
     "{\"type\": \"object\", \"properties\": {\"algorithm\": {\"type\": \"string\"},"
     " \"hex\": {\"type\": \"string\"}, \"bytes\": {\"type\": \"integer\"}}}",
     "The checksum of a file."},
    {"compress", compress_file,
     "{\"type\": \"object\", \"properties\": {"
     " \"path\": {\"type\": \"string\", \"minLength\": 1},"
     " \"to\": {\"type\": \"string\", \"description\": \"path with .zst unless given\"},"
     " \"level\": {\"type\": \"integer\", \"minimum\": 1, \"maximum\": 22, \"default\": 3}},"
     " \"required\": [\"path\"]}",
     WRITTEN, "Compresses a file with zstd."},
    {"decompress", decompress_file,
     "{\"type\": \"object\", \"properties\": {"
     " \"path\": {\"type\": \"string\", \"minLength\": 1},"
     " \"to\": {\"type\": \"string\", \"description\": \"path without .zst unless given\"},"
     " \"max_bytes\": {\"type\": \"integer\", \"minimum\": 1,"
     "   \"description\": \"fail if it becomes longer\"}},"
     " \"required\": [\"path\"]}",
     WRITTEN, "Unpacks a file that zstd has compressed."},
};

static const struct actant_plugin plugin = {
    ACTANT_PLUGIN_ABI, sizeof(plugin), "files", "1.0.0", ACTANT_PLUGIN_LIST(tasks), NULL, 0, 0,
};

const struct actant_plugin *
actant_plugin_v1(void)
{
    return sodium_init() < 0 ? NULL : &plugin;
}

/* Stands in for Tencent's libWeWorkFinanceSdk_C.so: the same C ABI (protocol sheet, section 8.1) over the directory in
 * which this library lies. The simulator's archive writes that directory; see bot/devtools/simulator/archive.py.
 *
 *   credentials            corp id and secret, a line each
 *   messages/<seq, 20 digits>.json   one entry of chatdata
 *   media/<sdkfileid>      the bytes of a film
 *   faults/<function>/<n>  the code that the next call of a function gives instead, used up
 *   violations             what a caller did that the real library does not bear
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct { char *buf; int len; } Slice_t;
typedef struct { char *outindexbuf; int out_len; char *data; int data_len; int is_finish; } MediaData_t;
typedef struct { pthread_t owner; int ready; } WeWorkFinanceSdk_t;

enum { WRONG = 10000, SYSTEM = 10003, NO_FILE = 10005, NOT_DECRYPTED = 10006 };
#define SLICE (512 * 1024)
#define MAGIC "PRETEND:"

static void place(char *path, size_t size, const char *name) {
    Dl_info me;
    dladdr((void *)place, &me);
    snprintf(path, size, "%s", me.dli_fname);
    char *last = strrchr(path, '/');
    snprintf(last + 1, size - (size_t)(last + 1 - path), "%s", name);
}

static char *slurp(const char *path, long *length) {
    FILE *file = fopen(path, "rb");
    if (!file) return NULL;
    fseek(file, 0, SEEK_END);
    *length = ftell(file);
    rewind(file);
    char *bytes = malloc((size_t)*length + 1);
    if (fread(bytes, 1, (size_t)*length, file) != (size_t)*length) *length = 0;
    bytes[*length] = 0;
    fclose(file);
    return bytes;
}

static int seen(const struct dirent *entry) { return entry->d_name[0] != '.'; }

/* The code that this call is to give instead, 0 for none. */
static int fault(const char *function) {
    char folder[4096], path[8192], name[256];
    struct dirent **entries;
    snprintf(name, sizeof name, "faults/%s", function);
    place(folder, sizeof folder, name);
    int count = scandir(folder, &entries, seen, alphasort), code = 0;
    if (count > 0) {
        long length;
        snprintf(path, sizeof path, "%s/%s", folder, entries[0]->d_name);
        char *text = slurp(path, &length);
        code = text ? atoi(text) : 0;
        free(text);
        unlink(path);
    }
    for (int i = 0; i < count; i++) free(entries[i]);
    if (count >= 0) free(entries);
    return code;
}

static void violated(const char *what) {
    char path[4096];
    place(path, sizeof path, "violations");
    FILE *file = fopen(path, "a");
    if (file) { fprintf(file, "%s\n", what); fclose(file); }
}

/* One object belongs to one thread. */
static int usable(WeWorkFinanceSdk_t *sdk) {
    if (!sdk || !sdk->ready) { violated("used before Init"); return 0; }
    if (!pthread_equal(sdk->owner, pthread_self())) { violated("used by another thread"); return 0; }
    return 1;
}

WeWorkFinanceSdk_t *NewSdk(void) { return calloc(1, sizeof(WeWorkFinanceSdk_t)); }
void DestroySdk(WeWorkFinanceSdk_t *sdk) { free(sdk); }

int Init(WeWorkFinanceSdk_t *sdk, const char *corpid, const char *secret) {
    char path[4096], wanted[1024];
    long length;
    place(path, sizeof path, "credentials");
    char *known = slurp(path, &length);
    snprintf(wanted, sizeof wanted, "%s\n%s", corpid, secret);
    int good = known && strcmp(known, wanted) == 0;
    free(known);
    sdk->owner = pthread_self();
    sdk->ready = good;
    return good ? 0 : WRONG;
}

static void append(Slice_t *out, const char *bytes, long length) {
    out->buf = realloc(out->buf, (size_t)(out->len + length + 1));
    memcpy(out->buf + out->len, bytes, (size_t)length);
    out->len += (int)length;
    out->buf[out->len] = 0;
}

static void answer(Slice_t *out, const char *text) { append(out, text, (long)strlen(text)); }

int GetChatData(WeWorkFinanceSdk_t *sdk, unsigned long long seq, unsigned int limit, const char *proxy,
                const char *passwd, int timeout, Slice_t *out) {
    char folder[4096], path[8192];
    struct dirent **entries;
    (void)proxy; (void)passwd; (void)timeout;
    if (!usable(sdk)) return SYSTEM;
    int code = fault("GetChatData");
    if (code >= 10000 && code < 20000) return code;
    if (limit > 1000) return WRONG;
    if (code) {
        snprintf(path, sizeof path, "{\"errcode\":%d,\"errmsg\":\"a fault of the stand-in\"}", code);
        answer(out, path);
        return 0;
    }
    place(folder, sizeof folder, "messages");
    int count = scandir(folder, &entries, seen, alphasort);
    unsigned int given = 0;
    answer(out, "{\"errcode\":0,\"errmsg\":\"ok\",\"chatdata\":[");
    for (int i = 0; i < count; i++) {
        if (strtoull(entries[i]->d_name, NULL, 10) > seq && given < limit) {
            long length;
            snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
            char *entry = slurp(path, &length);
            if (given++) answer(out, ",");
            append(out, entry, length);
            free(entry);
        }
        free(entries[i]);
    }
    if (count >= 0) free(entries);
    answer(out, "]}");
    return 0;
}

static int hex(char digit) { return digit <= '9' ? digit - '0' : digit - 'a' + 10; }

int DecryptData(const char *encrypt_key, const char *encrypt_msg, Slice_t *out) {
    size_t width = strlen(encrypt_key), length = strlen(encrypt_msg) / 2;
    int code = fault("DecryptData");
    if (code) return code;
    if (!width) return WRONG;
    char *plain = malloc(length + 1);
    for (size_t i = 0; i < length; i++)
        plain[i] = (char)((hex(encrypt_msg[2 * i]) << 4 | hex(encrypt_msg[2 * i + 1])) ^ encrypt_key[i % width]);
    int good = length >= strlen(MAGIC) && memcmp(plain, MAGIC, strlen(MAGIC)) == 0;
    if (good) append(out, plain + strlen(MAGIC), (long)(length - strlen(MAGIC)));
    free(plain);
    return good ? 0 : NOT_DECRYPTED;
}

int GetMediaData(WeWorkFinanceSdk_t *sdk, const char *indexbuf, const char *sdkFileid, const char *proxy,
                 const char *passwd, int timeout, MediaData_t *out) {
    char path[4096], name[1024];
    long from = 0, whole;
    (void)proxy; (void)passwd; (void)timeout;
    if (!usable(sdk)) return SYSTEM;
    int code = fault("GetMediaData");
    if (code) return code;
    if (indexbuf && *indexbuf && sscanf(indexbuf, "Range:bytes=%ld-", &from) != 1) return WRONG;
    if (strchr(sdkFileid, '/')) return NO_FILE;
    snprintf(name, sizeof name, "media/%s", sdkFileid);
    place(path, sizeof path, name);
    FILE *file = fopen(path, "rb");
    if (!file) return NO_FILE;
    fseek(file, 0, SEEK_END);
    whole = ftell(file);
    long length = whole - from > SLICE ? SLICE : whole - from;
    fseek(file, from, SEEK_SET);
    out->data = malloc((size_t)length + 1);
    out->data_len = (int)fread(out->data, 1, (size_t)length, file);
    fclose(file);
    out->is_finish = from + length >= whole;
    out->outindexbuf = malloc(64);
    out->out_len = snprintf(out->outindexbuf, 64, "Range:bytes=%ld-%ld", from + length, from + length + SLICE - 1);
    return 0;
}

Slice_t *NewSlice(void) { return calloc(1, sizeof(Slice_t)); }
void FreeSlice(Slice_t *slice) { free(slice->buf); free(slice); }
char *GetContentFromSlice(Slice_t *slice) { return slice->buf; }
int GetSliceLen(Slice_t *slice) { return slice->len; }

MediaData_t *NewMediaData(void) { return calloc(1, sizeof(MediaData_t)); }
void FreeMediaData(MediaData_t *media) { free(media->outindexbuf); free(media->data); free(media); }
char *GetOutIndexBuf(MediaData_t *media) { return media->outindexbuf; }
char *GetData(MediaData_t *media) { return media->data; }
int GetIndexLen(MediaData_t *media) { return media->out_len; }
int GetDataLen(MediaData_t *media) { return media->data_len; }
int IsMediaDataFinish(MediaData_t *media) { return media->is_finish; }

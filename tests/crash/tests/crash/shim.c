/* Stands between a program and its C library, and lets the disk under one folder fail.
 *
 * FAULT_FOLDER  it and the files under it are meant, and no others
 * FAULT_AT      which call of those below fails, from 1
 * FAULT_ERRNO   how
 * FAULT_EVER    all later ones fail too
 * FAULT_LIES    syncs return at once and do nothing
 * FAULT_DROPS   a sync that fails loses what was written to the file since the last one that did not: the system may call
 *               such pages clean and forget them
 * FAULT_REPORT  a file that is told what was done: how many calls, whether one failed, and its name
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long calls, failed;
static char first[32];

/* What a write since the last sync covered. */
struct undo {
    struct undo *before;
    dev_t dev;
    ino_t ino;
    off_t at, size;
    size_t length;
    char old[];
};
static struct undo *undos;

static int set(const char *name) { return getenv(name) != NULL; }

static int is_meant_path(const char *path) {
    const char *folder = getenv("FAULT_FOLDER");
    size_t length = folder ? strlen(folder) : 0;
    return length && path && strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == 0);
}

static int is_meant(int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return is_meant_path(path);
}

/* Always as long as before and in one call: the process may end on another thread, and no report is left empty. */
static void report(void) {
    const char *path = getenv("FAULT_REPORT");
    char text[96];
    if (!path) return;
    int length = snprintf(text, sizeof text, "%20ld %20ld %-31s\n", calls, failed, first);
    int fd = REAL(open)(path, O_WRONLY | O_CREAT, 0600);
    if (fd < 0) return;
    ssize_t ignored = REAL(write)(fd, text, (size_t)length);
    (void)ignored;
    close(fd);
}

/* Counts a call on a file that is meant; says whether it fails. */
static int fails(const char *name) {
    pthread_mutex_lock(&lock);
    const char *at = getenv("FAULT_AT");
    long when = at ? atol(at) : 0;
    calls++;
    int now = when && (calls == when || (calls > when && set("FAULT_EVER")));
    if (now && !failed++) snprintf(first, sizeof first, "%s", name);
    report();
    pthread_mutex_unlock(&lock);
    if (now) {
        const char *number = getenv("FAULT_ERRNO");
        errno = number ? atoi(number) : EIO;
    }
    return now;
}

/* Remembers what a write is about to cover. */
static void remember(int fd, size_t length, off_t at) {
    struct stat file;
    if (!set("FAULT_DROPS") || fstat(fd, &file)) return;
    struct undo *undo = malloc(sizeof *undo + length);
    if (!undo) return;
    undo->dev = file.st_dev, undo->ino = file.st_ino, undo->at = at, undo->size = file.st_size;
    ssize_t had = pread(fd, undo->old, length, at);
    undo->length = had > 0 ? (size_t)had : 0;
    pthread_mutex_lock(&lock);
    undo->before = undos, undos = undo;
    pthread_mutex_unlock(&lock);
}

/* A sync came to its end: what was remembered of the file is on the disk, or is lost. */
static void settle(int fd, int lost) {
    struct stat file;
    if (!set("FAULT_DROPS") || fstat(fd, &file)) return;
    pthread_mutex_lock(&lock);
    for (struct undo **next = &undos; *next;) {
        struct undo *undo = *next;
        if (undo->dev != file.st_dev || undo->ino != file.st_ino) {
            next = &undo->before;
            continue;
        }
        if (lost) {
            ssize_t ignored = REAL(pwrite64)(fd, undo->old, undo->length, undo->at);
            int ignored_too = REAL(ftruncate64)(fd, undo->size);
            (void)ignored, (void)ignored_too;
        }
        *next = undo->before;
        free(undo);
    }
    pthread_mutex_unlock(&lock);
}

static int sync_by(int (*real)(int), int fd, const char *name) {
    if (!is_meant(fd)) return real(fd);
    if (set("FAULT_LIES")) return 0;
    if (fails(name)) {
        int why = errno;
        settle(fd, 1);
        errno = why;
        return -1;
    }
    int done = real(fd);
    settle(fd, 0);
    return done;
}

int fsync(int fd) { return sync_by(REAL(fsync), fd, "fsync"); }
int fdatasync(int fd) { return sync_by(REAL(fdatasync), fd, "fdatasync"); }

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t at) {
    if (is_meant(fd)) {
        if (fails("pwrite64")) return -1;
        remember(fd, length, at);
    }
    return REAL(pwrite64)(fd, bytes, length, at);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) { return pwrite64(fd, bytes, length, at); }

ssize_t write(int fd, const void *bytes, size_t length) {
    if (is_meant(fd)) {
        if (fails("write")) return -1;
        off_t at = lseek(fd, 0, SEEK_CUR);
        if (at >= 0) remember(fd, length, at);
    }
    return REAL(write)(fd, bytes, length);
}

int ftruncate64(int fd, off64_t length) {
    if (is_meant(fd) && fails("ftruncate64")) return -1;
    return REAL(ftruncate64)(fd, length);
}

int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

static mode_t mode_of(int flags, va_list more) { return flags & O_CREAT ? va_arg(more, mode_t) : 0; }

/* Only opening to write is a write, and takes room only where it makes the file. */
static int takes_part(const char *path, int flags) {
    const char *number = getenv("FAULT_ERRNO");
    if ((flags & O_ACCMODE) == O_RDONLY || !is_meant_path(path)) return 0;
    return !number || atoi(number) != ENOSPC || access(path, F_OK) != 0;
}

#define OPEN(name)                                                                                  \
    int name(const char *path, int flags, ...) {                                                    \
        va_list more;                                                                               \
        va_start(more, flags);                                                                      \
        mode_t mode = mode_of(flags, more);                                                         \
        va_end(more);                                                                               \
        if (takes_part(path, flags) && fails(#name)) return -1;                                     \
        return REAL(name)(path, flags, mode);                                                       \
    }
OPEN(open)
OPEN(open64)

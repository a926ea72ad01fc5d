/* Preloaded into a process: writes down, in their order, what it does to its database, for a test that cuts
 * the power between two of these steps. Each record is what (w, t or s), which file (1 the database, 2 its
 * log), an offset or size, a length, and the bytes written. */

#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static int notes = -1;

static int ends_with(const char *path, size_t length, const char *end) {
    size_t tail = strlen(end);
    return length >= tail && memcmp(path + length - tail, end, tail) == 0;
}

static int which(int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path);
    if (length <= 0) return 0;
    if (ends_with(path, length, "/twoticks.db")) return 1;
    if (ends_with(path, length, "/twoticks.db-wal")) return 2;
    return 0;
}

static void note(char what, int file, uint64_t offset, const void *bytes, uint32_t length) {
    char head[14] = {what, (char)file};
    memcpy(head + 2, &offset, 8);
    memcpy(head + 10, &length, 4);
    struct iovec parts[2] = {{head, sizeof head}, {(void *)bytes, length}};
    if (notes < 0) {
        const char *path = getenv("POWER_NOTES");
        notes = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_APPEND | O_CREAT, 0600);
    }
    if (syscall(SYS_writev, notes, parts, length ? 2 : 1) < (long)sizeof head) abort();
}

ssize_t write(int fd, const void *bytes, size_t count) {
    int file = which(fd);
    if (!file) return syscall(SYS_write, fd, bytes, count);
    pthread_mutex_lock(&turn);
    off_t at = lseek(fd, 0, SEEK_CUR);
    ssize_t written = syscall(SYS_write, fd, bytes, count);
    if (written > 0) note('w', file, at, bytes, written);
    pthread_mutex_unlock(&turn);
    return written;
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) {
    int file = which(fd);
    if (!file) return syscall(SYS_pwrite64, fd, bytes, count, at);
    pthread_mutex_lock(&turn);
    ssize_t written = syscall(SYS_pwrite64, fd, bytes, count, at);
    if (written > 0) note('w', file, at, bytes, written);
    pthread_mutex_unlock(&turn);
    return written;
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) {
    return pwrite64(fd, bytes, count, at);
}

static int sync_by(long call, int fd) {
    int file = which(fd);
    if (!file) return syscall(call, fd);
    pthread_mutex_lock(&turn);
    int done = syscall(call, fd);
    if (done == 0) note('s', file, 0, NULL, 0);
    pthread_mutex_unlock(&turn);
    return done;
}

int fsync(int fd) { return sync_by(SYS_fsync, fd); }

int fdatasync(int fd) { return sync_by(SYS_fdatasync, fd); }

int ftruncate64(int fd, off64_t size) {
    int file = which(fd);
    if (!file) return syscall(SYS_ftruncate, fd, size);
    pthread_mutex_lock(&turn);
    int done = syscall(SYS_ftruncate, fd, size);
    if (done == 0) note('t', file, size, NULL, 0);
    pthread_mutex_unlock(&turn);
    return done;
}

int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

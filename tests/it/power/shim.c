/* Preloaded into a process, for tests of what its disk may do to it.
 *
 * POWER_NOTES names a file in which is written down, in their order, what the process does to its database, for
 * a test that cuts the power between two of these steps. Each record is what (w, t or s), which file (1 the
 * database, 2 its log), an offset or size, a length, and the bytes written.
 *
 * DISK_FAULTS names a file of the numbers of `struct faults`, which a test writes while the process runs: which
 * write, sync or cut of a file of the database fails, and how. */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static int notes = -1;

struct faults {
    int64_t countdown; /* the call that fails is the one that brings it to 0; off when it is 0 */
    int64_t for_ever;  /* whether all calls after that fail as well, on every file in the data directory */
    int64_t kind;      /* what becomes of a write, see below */
    int64_t calls;     /* calls since the test began */
    int64_t failed;    /* calls that failed since */
};

enum { FULL_HALFWAY = 0, BROKEN = 1, FORGETFUL = 2 };

static struct faults *faults(void) {
    static struct faults *map;
    const char *path = getenv("DISK_FAULTS");
    if (!map && path) {
        int fd = syscall(SYS_openat, AT_FDCWD, path, O_RDWR);
        map = mmap(NULL, sizeof *map, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (map == MAP_FAILED) abort();
        syscall(SYS_close, fd);
    }
    return map;
}

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
    if (!faults()) return 0;
    path[length < (ssize_t)sizeof path ? length : (ssize_t)sizeof path - 1] = 0;
    if (strstr(path, "/twoticks.db")) return 3;
    return strstr(path, "/data/") ? 4 : 0;
}

/* Whether this call fails. */
static int fails(int file) {
    struct faults *plan = faults();
    if (!plan || !file) return 0;
    int tripped = plan->countdown == 1 && plan->failed > 0 && plan->for_ever;
    if (file == 4) return tripped;
    plan->calls++;
    if (plan->countdown == 0) return 0;
    if (plan->countdown > 1) {
        plan->countdown--;
        return 0;
    }
    plan->failed++;
    if (!plan->for_ever) plan->countdown = 0;
    return 1;
}

/* What a write that fails comes to; `at` is -1 where the file has a place of its own. */
static ssize_t fail_write(int fd, const void *bytes, size_t count, off64_t at) {
    switch (faults()->kind) {
    case FORGETFUL:
        return count;
    case FULL_HALFWAY:
        if (at >= 0) syscall(SYS_pwrite64, fd, bytes, count / 2, at);
        errno = ENOSPC;
        return -1;
    default:
        errno = EIO;
        return -1;
    }
}

static int fail_other(void) {
    if (faults()->kind == FORGETFUL) return 0;
    errno = EIO;
    return -1;
}

static void note(char what, int file, uint64_t offset, const void *bytes, uint32_t length) {
    const char *path = getenv("POWER_NOTES");
    if (!path || file > 2) return;
    char head[14] = {what, (char)file};
    memcpy(head + 2, &offset, 8);
    memcpy(head + 10, &length, 4);
    struct iovec parts[2] = {{head, sizeof head}, {(void *)bytes, length}};
    if (notes < 0) {
        notes = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_APPEND | O_CREAT, 0600);
    }
    if (syscall(SYS_writev, notes, parts, length ? 2 : 1) < (long)sizeof head) abort();
}

ssize_t write(int fd, const void *bytes, size_t count) {
    int file = which(fd);
    if (!file) return syscall(SYS_write, fd, bytes, count);
    pthread_mutex_lock(&turn);
    off_t at = lseek(fd, 0, SEEK_CUR);
    ssize_t written = fails(file) ? fail_write(fd, bytes, count, -1) : syscall(SYS_write, fd, bytes, count);
    if (written > 0) note('w', file, at, bytes, written);
    pthread_mutex_unlock(&turn);
    return written;
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) {
    int file = which(fd);
    if (!file) return syscall(SYS_pwrite64, fd, bytes, count, at);
    pthread_mutex_lock(&turn);
    ssize_t written =
        fails(file) ? fail_write(fd, bytes, count, at) : syscall(SYS_pwrite64, fd, bytes, count, at);
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
    int done = fails(file) ? fail_other() : syscall(call, fd);
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
    int done = fails(file) ? fail_other() : syscall(SYS_ftruncate, fd, size);
    if (done == 0) note('t', file, size, NULL, 0);
    pthread_mutex_unlock(&turn);
    return done;
}

int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

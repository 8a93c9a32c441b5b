/* A layer between a program and the system that makes one call fail: the n-th that touches a file whose path holds a word.

   cc -shared -fPIC faults.c -o faults.so -ldl; LD_PRELOAD=./faults.so program, which calls fault_arm. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static long at, calls;
static int code;
static char last[4200];

void fault_arm(long number, int error) { at = number; code = error; calls = 0; }
long fault_calls(void) { return calls; }
const char *fault_last(void) { return last; }

static int hit(const char *what, const char *path) {
    if (!at || !path || !strstr(path, "faulty")) return 0;
    if (++calls != at) return 0;
    snprintf(last, sizeof last, "%s %s", what, path);
    errno = code;
    return 1;
}

static int hit_open(const char *what, int descriptor) {
    char name[64], path[4096];
    if (!at) return 0;
    snprintf(name, sizeof name, "/proc/self/fd/%d", descriptor);
    ssize_t size = readlink(name, path, sizeof path - 1);
    if (size < 0) return 0;
    path[size] = 0;
    return hit(what, path);
}

#define REAL(name) __typeof__(name) *real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

#define OPEN(name)                                                  \
    int name(const char *path, int flags, ...) {                    \
        REAL(name);                                                 \
        va_list rest;                                               \
        va_start(rest, flags);                                      \
        mode_t mode = va_arg(rest, mode_t);                         \
        va_end(rest);                                               \
        return hit("open", path) ? -1 : real(path, flags, mode);    \
    }
OPEN(open)
OPEN(open64)

ssize_t read(int fd, void *to, size_t size) { REAL(read); return hit_open("read", fd) ? -1 : real(fd, to, size); }
ssize_t write(int fd, const void *from, size_t size) { REAL(write); return hit_open("write", fd) ? -1 : real(fd, from, size); }
int fsync(int fd) { REAL(fsync); return hit_open("fsync", fd) ? -1 : real(fd); }
int fchmod(int fd, mode_t mode) { REAL(fchmod); return hit_open("fchmod", fd) ? -1 : real(fd, mode); }
int fchown(int fd, uid_t user, gid_t group) { REAL(fchown); return hit_open("fchown", fd) ? -1 : real(fd, user, group); }
int rename(const char *from, const char *to) { REAL(rename); return hit("rename", to) ? -1 : real(from, to); }
int mkdir(const char *path, mode_t mode) { REAL(mkdir); return hit("mkdir", path) ? -1 : real(path, mode); }
int chmod(const char *path, mode_t mode) { REAL(chmod); return hit("chmod", path) ? -1 : real(path, mode); }
int utimensat(int fd, const char *path, const struct timespec times[2], int flags) {
    REAL(utimensat);
    return hit("utime", path) ? -1 : real(fd, path, times, flags);
}

/* Makes one call of open, write, rename or unlink below a folder fail. Preloaded; says nothing unless MARDM_FAULT is set:
   "FOLDER|CALL|ERRNO|COUNTER": the CALL-th call (from 1, in all processes together; 0 only counts) below FOLDER fails
   with ERRNO; COUNTER is a file of 8 bytes in which the processes count. A negative CALL: that one and all later ones. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

static char folder[PATH_MAX], settings_read[2 * PATH_MAX];
static long call_number;
static int error_number;
static long *counter;

static int configured(void) {
  const char *text = getenv("MARDM_FAULT");
  if (!text || strlen(text) >= sizeof settings_read) return 0;
  if (strcmp(text, settings_read)) {
    char copy[2 * PATH_MAX], *rest = copy;
    strcpy(settings_read, text);
    strcpy(copy, text);
    char *a = strsep(&rest, "|"), *b = strsep(&rest, "|"), *c = strsep(&rest, "|"), *d = strsep(&rest, "|");
    if (!a || !b || !c || !d || strlen(a) >= sizeof folder) return 0;
    strcpy(folder, a);
    call_number = atol(b);
    error_number = atoi(c);
    int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
    int fd = real(d, O_RDWR);
    if (fd < 0) return 0;
    void *map = mmap(NULL, sizeof(long), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    counter = map == MAP_FAILED ? NULL : map;
  }
  return counter != NULL;
}

static int fails(int at, const char *path) {
  char full[2 * PATH_MAX];
  if (!path || !configured()) return 0;
  if (path[0] == '/') snprintf(full, sizeof full, "%s", path);
  else if (at == AT_FDCWD) {
    char here[PATH_MAX];
    if (!getcwd(here, sizeof here)) return 0;
    snprintf(full, sizeof full, "%s/%s", here, path);
  } else {
    char link[64], here[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", at);
    ssize_t n = readlink(link, here, sizeof here - 1);
    if (n < 0) return 0;
    here[n] = 0;
    snprintf(full, sizeof full, "%s/%s", here, path);
  }
  if (strncmp(full, folder, strlen(folder))) return 0;
  long number = __sync_add_and_fetch(counter, 1);
  if (call_number && (number == call_number || (call_number < 0 && number >= -call_number))) {
    errno = error_number;
    return 1;
  }
  return 0;
}

static int fd_fails(int fd) {
  char link[64], path[PATH_MAX];
  if (fd < 3 || !getenv("MARDM_FAULT")) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, path, sizeof path - 1);
  if (n < 0) return 0;
  path[n] = 0;
  return path[0] == '/' && fails(AT_FDCWD, path);
}

#define REAL(type, name, ...) \
  static type (*real)(__VA_ARGS__); \
  if (!real) real = dlsym(RTLD_NEXT, name)
#define MODE \
  mode_t mode = 0; \
  if (flags & (O_CREAT | O_TMPFILE)) { va_list list; va_start(list, flags); mode = va_arg(list, mode_t); va_end(list); }

int open(const char *path, int flags, ...) { MODE REAL(int, "open", const char *, int, ...); return fails(AT_FDCWD, path) ? -1 : real(path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE REAL(int, "open64", const char *, int, ...); return fails(AT_FDCWD, path) ? -1 : real(path, flags, mode); }
int openat(int at, const char *path, int flags, ...) { MODE REAL(int, "openat", int, const char *, int, ...); return fails(at, path) ? -1 : real(at, path, flags, mode); }
int openat64(int at, const char *path, int flags, ...) { MODE REAL(int, "openat64", int, const char *, int, ...); return fails(at, path) ? -1 : real(at, path, flags, mode); }
ssize_t write(int fd, const void *data, size_t size) { REAL(ssize_t, "write", int, const void *, size_t); return fd_fails(fd) ? -1 : real(fd, data, size); }
int rename(const char *from, const char *to) { REAL(int, "rename", const char *, const char *); return fails(AT_FDCWD, to) ? -1 : real(from, to); }
int renameat(int a, const char *from, int b, const char *to) { REAL(int, "renameat", int, const char *, int, const char *); return fails(b, to) ? -1 : real(a, from, b, to); }
int unlink(const char *path) { REAL(int, "unlink", const char *); return fails(AT_FDCWD, path) ? -1 : real(path); }
int unlinkat(int at, const char *path, int flags) { REAL(int, "unlinkat", int, const char *, int); return fails(at, path) ? -1 : real(at, path, flags); }

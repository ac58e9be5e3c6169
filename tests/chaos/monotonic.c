/* Goes before Debian's libfaketime, which takes a moment of the monotonic clock for one of the clock that it turns
 * (its issue 426): Python's time.sleep() would fail with EINVAL. Sleeping is the kernel's again. */

#define _GNU_SOURCE
#include <errno.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *until, struct timespec *left) {
    return syscall(SYS_clock_nanosleep, clock, flags, until, left) == 0 ? 0 : errno;
}

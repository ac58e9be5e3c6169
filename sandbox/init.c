/*
 * PID 1 of every jail.
 *
 * nsjail makes the namespaces and mounts and then executes this program, statically linked, from a descriptor: no path
 * of it exists inside. It forks a child and tells the keeper that the jail stands. The child receives one request (what
 * to run and with which limits), and becomes the program under another uid with a seccomp filter; init reports how
 * exactly that child ended. When the child ends, or the keeper's end of the socket closes, it exits, and the kernel ends
 * every process of the pid namespace with it.
 *
 * Why the child is there before anything is known of the program: what is opened on it takes time, which a jail that
 * stands ready has spent before anybody asks for it. Its control groups count it from its order on.
 *
 * Why the program is never PID 1 itself: a namespace's first process ignores signals that it has no handler for, so
 * abort(), raise(9) or SIGXCPU would not do there what they do elsewhere.
 *
 * Conversation, over the stream socket whose number is argv[1] (structures below, native byte order):
 *   init   -> keeper  REPORT_STANDING   with descriptors: a pidfd of init, one of the child, the box
 *   keeper -> child   request           with descriptors: stdin, stdout, stderr of the program, then the ways into
 *                                       its control groups where it goes in by itself
 *   init   -> keeper  REPORT_READY      with descriptors: the program's seccomp listener
 *   keeper -> init    'g'               the program may start (it is in its cgroups by now)
 *   init   -> keeper  REPORT_ENDED      the program is a zombie, all others have been killed
 *   keeper -> init    'b'               counters have been read: exit
 * At any time: REPORT_FAILED with the step and errno, after which init exits.
 *
 * A request may make the child a launcher instead of a program: it keeps init's privileges, runs nothing of anybody's,
 * and makes a jail within this one for each line that it is sent over its stdin: an init like this in namespaces of its
 * own, which speaks as above over that line. Built as a shared object this is loaded by an interpreter that was started
 * as a launcher (ZYGOTE): the programs of its jails are then copies of that interpreter, and go on where it stands.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x00001000
#endif
#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

#define BOX "/box"
#define MAX_PAYLOAD (8U << 20)
#define LAST_CAPABILITY 63
#define ALL_LIMITS (-1)
#define STDIO 3
#define ENTRANCES 8 /* of control groups, at the most: one for each tree of version 1 */

enum report_kind { REPORT_STANDING = 1, REPORT_READY, REPORT_ENDED, REPORT_FAILED };

/* Which step failed; sandbox/init.py names them in the same order. */
enum step { STEP_NONE, STEP_BOX, STEP_REQUEST, STEP_CLONE, STEP_STDIO, STEP_CWD, STEP_RLIMIT, STEP_IDENTITY,
            STEP_CAPABILITIES, STEP_NO_NEW_PRIVS, STEP_SECCOMP, STEP_DESCRIPTORS, STEP_WAIT, STEP_CGROUP,
            STEP_MOUNT, STEP_LOOPBACK, STEP_GROUP };

struct report {
    uint32_t kind;
    int32_t code;   /* REPORT_ENDED: si_code; REPORT_FAILED: enum step */
    int32_t status; /* REPORT_ENDED: si_status */
    int32_t error;  /* errno; in REPORT_ENDED that of execve, 0 if the program started */
    uint64_t user_us, system_us, max_rss_kb, minor_faults, major_faults, voluntary_switches, involuntary_switches;
};

struct request {
    uint32_t payload_bytes; /* of everything behind this structure */
    uint32_t uid, gid;
    uint32_t drop_groups; /* 0 in a single-uid namespace, where setgroups is denied */
    uint32_t rlimit_count, filter_count, argument_count, environment_count;
    uint32_t launcher; /* enum launcher */
    /* then: struct limit[], struct sock_filter[], strings: cwd, arguments, environment; each ends with NUL */
};

/* What the child becomes: a program, or what makes jails within this one: this code, or an interpreter that loads it. */
enum launcher { LAUNCHER_NONE, LAUNCHER_OWN, LAUNCHER_INTERPRETER };

/* What comes with a line: the sizes of the file systems of the jail that it asks for, and whose they are. */
struct line {
    uint32_t uid, padding;
    uint64_t box_bytes, box_inodes, scratch_bytes, scratch_inodes;
};

struct limit {
    uint64_t resource, value;
};

/* Shared with the child until it becomes the program. */
struct shared {
    volatile int stdio[3]; /* in the table of descriptors, which is shared too */
    volatile int listener;
    volatile int failed_step;
    volatile int error;
    volatile int exec_error;
};

struct order { /* a request taken apart */
    struct request head;
    struct limit *limits;
    struct sock_filter *filter;
    char *cwd;
    char **arguments, **environment;
    int stdio[STDIO];
};

static int keeper;
#ifdef ZYGOTE
static pid_t *thread_id; /* where the C library keeps this thread's number */
#endif

static void send_report(const struct report *report, const int *descriptors, unsigned count)
{
    union {
        char bytes[CMSG_SPACE(3 * sizeof(int))];
        struct cmsghdr align;
    } control = {0};
    struct iovec vector = {(void *)report, sizeof *report};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
    if (count > 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(count * sizeof(int));
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(header), descriptors, count * sizeof(int));
    }
    if (sendmsg(keeper, &message, MSG_NOSIGNAL) != (ssize_t)sizeof *report)
        _exit(1);
}

static void fail(enum step step, int error)
{
    struct report report = {.kind = REPORT_FAILED, .code = step, .error = error};
    send_report(&report, NULL, 0);
    _exit(1);
}

/* Read exactly `size` bytes; the keeper going away ends the jail. */
static void read_fully(void *into, size_t size)
{
    char *position = into;
    while (size > 0) {
        ssize_t got = read(keeper, position, size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            _exit(1);
        position += got;
        size -= (size_t)got;
    }
}

/*
 * Go into the control groups, before any memory is used or time spent for the program. By itself, for the kernel makes
 * whoever moves another process wait until nobody is in the middle of a fork; by descriptors that the keeper opened,
 * whose right it is. It looks afterwards whether the child is in.
 */
static void enter_groups(const int *entrances, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (write(entrances[i], "0", 1) != 1 || close(entrances[i]) != 0)
            fail(STEP_GROUP, errno);
}

static void receive_head(struct order *order)
{
    union {
        char bytes[CMSG_SPACE((STDIO + ENTRANCES) * sizeof(int))];
        struct cmsghdr align;
    } control = {0};
    struct iovec vector = {&order->head, sizeof order->head};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    ssize_t got;
    do
        got = recvmsg(keeper, &message, MSG_CMSG_CLOEXEC | MSG_WAITALL);
    while (got < 0 && errno == EINTR);
    if (got != (ssize_t)sizeof order->head)
        _exit(1); /* the keeper closed a jail that it did not use */
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    size_t count = header == NULL ? 0 : (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    int received[STDIO + ENTRANCES];
    if (count < STDIO || count > STDIO + ENTRANCES || message.msg_flags & MSG_CTRUNC)
        fail(STEP_REQUEST, EBADMSG);
    memcpy(received, CMSG_DATA(header), count * sizeof(int));
    memcpy(order->stdio, received, sizeof order->stdio);
    enter_groups(received + STDIO, (unsigned)count - STDIO);
}

static char *next_string(char **position, char *end)
{
    char *start = *position;
    char *stop = start < end ? memchr(start, 0, (size_t)(end - start)) : NULL;
    if (stop == NULL)
        fail(STEP_REQUEST, EBADMSG);
    *position = stop + 1;
    return start;
}

static char **string_list(char **position, char *end, uint32_t count)
{
    char **list = calloc((size_t)count + 1, sizeof *list);
    if (list == NULL)
        fail(STEP_REQUEST, ENOMEM);
    for (uint32_t i = 0; i < count; i++)
        list[i] = next_string(position, end);
    return list;
}

static void receive_request(struct order *order)
{
    receive_head(order);
    const struct request *head = &order->head;
    size_t fixed = (size_t)head->rlimit_count * sizeof(struct limit) + (size_t)head->filter_count * sizeof(struct sock_filter);
    if (head->payload_bytes > MAX_PAYLOAD || fixed > head->payload_bytes || head->argument_count == 0 ||
        head->argument_count > head->payload_bytes || head->environment_count > head->payload_bytes ||
        head->filter_count == 0 || head->filter_count > BPF_MAXINSNS)
        fail(STEP_REQUEST, EBADMSG);
    char *payload = malloc(head->payload_bytes);
    if (payload == NULL)
        fail(STEP_REQUEST, ENOMEM);
    read_fully(payload, head->payload_bytes);
    order->limits = (struct limit *)payload;
    order->filter = (struct sock_filter *)(order->limits + head->rlimit_count);
    char *position = payload + fixed, *end = payload + head->payload_bytes;
    order->cwd = next_string(&position, end);
    order->arguments = string_list(&position, end, head->argument_count);
    order->environment = string_list(&position, end, head->environment_count);
}

/* In the child: say what failed and end. */
static void give_up(struct shared *shared, enum step step)
{
    shared->error = errno;
    shared->failed_step = step;
    _exit(1);
}

/* Set those limits that are asked for, or only the one of `which`. */
static int set_limits(const struct order *order, int which)
{
    for (uint32_t i = 0; i < order->head.rlimit_count; i++) {
        int resource = (int)order->limits[i].resource;
        struct rlimit now, wanted;
        if (which != ALL_LIMITS && which != resource)
            continue;
        if (getrlimit(resource, &now) != 0)
            return -1;
        wanted.rlim_max = order->limits[i].value < now.rlim_max ? order->limits[i].value : now.rlim_max;
        wanted.rlim_cur = wanted.rlim_max;
        if (setrlimit(resource, &wanted) != 0)
            return -1;
    }
    return 0;
}

/*
 * Its control group is the root of what it sees of them: no name of ours stands in /proc/self/cgroup. The child is in its
 * group by now, or is sampled and in none.
 */
static int hide_control_groups(void)
{
    return unshare(CLONE_NEWCGROUP);
}

static int change_identity(const struct request *head)
{
    /* A session keyring of its own: the inherited one would be a place to leave something behind. */
    if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 && errno != ENOSYS)
        return -1;
    if (head->drop_groups && setgroups(0, NULL) != 0)
        return -1;
    return setresgid(head->gid, head->gid, head->gid) || setresuid(head->uid, head->uid, head->uid);
}

/* Needs CAP_SETPCAP, so before the identity changes; what the kernel does not know ends the list. */
static int empty_bounding_set(void)
{
    for (int capability = 0; capability <= LAST_CAPABILITY; capability++)
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0)
            return errno == EINVAL && capability > 0 ? 0 : -1;
    return 0;
}

static int drop_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct none[2] = {{0}}, found[2];
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 || syscall(SYS_capset, &header, none) != 0 ||
        syscall(SYS_capget, &header, found) != 0)
        return -1;
    errno = EPERM;
    return memcmp(found, none, sizeof none) == 0 ? 0 : -1;
}

static int forbid_new_privileges(void)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return -1;
    errno = EPERM;
    return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : -1;
}

/*
 * The last filter. The descriptor table is still shared with init here, so the listener appears in init's table too;
 * then the child takes a table of its own. From here on only calls that every policy allows are made.
 */
static void install_filter(const struct order *order, struct shared *shared)
{
    struct sock_fprog program = {(unsigned short)order->head.filter_count, order->filter};
    long listener = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
    if (listener < 0)
        give_up(shared, STEP_SECCOMP);
    shared->listener = (int)listener;
    if (unshare(CLONE_FILES) != 0)
        give_up(shared, STEP_DESCRIPTORS);
}

static void take_stdio(const struct order *order, struct shared *shared)
{
    for (int i = 0; i < 3; i++) {
        shared->stdio[i] = order->stdio[i];
        if (dup2(order->stdio[i], i) != i)
            give_up(shared, STEP_STDIO);
    }
}

/* From here on whatever is run cannot do harm; it is looked at from outside before it may start. */
static void confine(const struct order *order, struct shared *shared)
{
    if (chdir(order->cwd) != 0)
        give_up(shared, STEP_CWD);
    umask(022);
    if (hide_control_groups() != 0)
        give_up(shared, STEP_CGROUP);
    if (set_limits(order, ALL_LIMITS) != 0)
        give_up(shared, STEP_RLIMIT);
    if (empty_bounding_set() != 0)
        give_up(shared, STEP_CAPABILITIES);
    if (change_identity(&order->head) != 0)
        give_up(shared, STEP_IDENTITY);
    if (drop_capabilities() != 0)
        give_up(shared, STEP_CAPABILITIES);
    if (forbid_new_privileges() != 0)
        give_up(shared, STEP_NO_NEW_PRIVS);
    if (syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC) != 0)
        give_up(shared, STEP_DESCRIPTORS);
}

static void wait_for_start(int ready, int go)
{
    char byte = 'r';
    if (write(ready, &byte, 1) != 1 || read(go, &byte, 1) != 1)
        _exit(1);
}

#ifdef ZYGOTE
/* Be a process as if fork() of the C library had made it, and as an execve would have left it. */
static void become_program(const struct order *order, struct shared *shared, int ready, int go)
{
    sigset_t none;
    setsid();
    take_stdio(order, shared);
    confine(order, shared);
    *thread_id = (pid_t)syscall(SYS_gettid);
    if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0 || prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0) != 0)
        give_up(shared, STEP_IDENTITY);
    signal(SIGCHLD, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    install_filter(order, shared);
    wait_for_start(ready, go);
    if (syscall(SYS_close_range, 3, ~0U, 0) != 0 || munmap(shared, sizeof *shared) != 0)
        _exit(1);
}
#else
static void launch(int control);

static void reset_signals(void)
{
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL); /* fails for SIGKILL and SIGSTOP, which have no other way anyway */
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void execute(const struct order *order, struct shared *shared)
{
    execve(order->arguments[0], order->arguments, order->environment);
    shared->exec_error = errno;
    _exit(127);
}

static void become_launcher(const struct order *order, struct shared *shared, int ready, int go)
{
    take_stdio(order, shared);
    if (chdir(order->cwd) != 0)
        give_up(shared, STEP_CWD);
    if (unshare(CLONE_FILES) != 0 || fcntl(keeper, F_SETFD, FD_CLOEXEC) != 0)
        give_up(shared, STEP_DESCRIPTORS);
    reset_signals();
    /* Its C library takes this for the size of threads' stacks, once, for all copies too. */
    if (order->head.launcher == LAUNCHER_INTERPRETER && set_limits(order, RLIMIT_STACK) != 0)
        give_up(shared, STEP_RLIMIT);
    wait_for_start(ready, go);
    if (order->head.launcher == LAUNCHER_INTERPRETER)
        execute(order, shared);
    if (syscall(SYS_close_range, 3, ~0U, 0) != 0)
        _exit(1);
    launch(0);
}

static void become_program(const struct order *order, struct shared *shared, int ready, int go)
{
    if (order->head.launcher != LAUNCHER_NONE) {
        become_launcher(order, shared, ready, go);
        return;
    }
    setsid();
    take_stdio(order, shared);
    confine(order, shared);
    reset_signals();
    install_filter(order, shared);
    wait_for_start(ready, go);
    execute(order, shared);
}
#endif

/* Wait for a byte on `descriptor` while the keeper is there and the child lives; 0 when the child ended first. */
static int wait_for_byte(int descriptor, int child)
{
    struct pollfd polled[3] = {{descriptor, POLLIN, 0}, {keeper, 0, 0}, {child, POLLIN, 0}};
    for (;;) {
        if (poll(polled, 3, -1) < 0 && errno != EINTR)
            fail(STEP_WAIT, errno);
        if (polled[1].revents & (POLLHUP | POLLERR))
            _exit(1);
        if (polled[0].revents & POLLIN) {
            char byte;
            return read(descriptor, &byte, 1) == 1;
        }
        if (polled[2].revents & POLLIN)
            return 0;
    }
}

/* Reap what is not the program; 1 once the program itself has ended (it stays a zombie, so that it can be looked at). */
static int program_ended(pid_t program, siginfo_t *end, struct rusage *usage)
{
    for (;;) {
        memset(end, 0, sizeof *end);
        if (syscall(SYS_waitid, P_PID, program, end, WEXITED | WNOHANG | WNOWAIT | __WALL, usage) == 0 && end->si_pid == program)
            return 1;
        siginfo_t other = {0};
        if (syscall(SYS_waitid, P_ALL, 0, &other, WEXITED | WNOHANG | WNOWAIT | __WALL, NULL) != 0 || other.si_pid == 0)
            return 0;
        if (other.si_pid != program)
            waitpid(other.si_pid, NULL, __WALL);
    }
}

static void wait_for_end(pid_t program, int children, siginfo_t *end, struct rusage *usage)
{
    struct pollfd polled[2] = {{children, POLLIN, 0}, {keeper, 0, 0}};
    while (!program_ended(program, end, usage)) {
        struct signalfd_siginfo ignored;
        if (poll(polled, 2, -1) < 0 && errno != EINTR)
            fail(STEP_WAIT, errno);
        if (polled[1].revents & (POLLHUP | POLLERR))
            _exit(1);
        while (read(children, &ignored, sizeof ignored) == (ssize_t)sizeof ignored)
            ;
    }
}

static uint64_t microseconds(struct timeval time)
{
    return (uint64_t)time.tv_sec * 1000000U + (uint64_t)time.tv_usec;
}

static void report_end(const siginfo_t *end, const struct rusage *usage, int exec_error)
{
    struct report report = {
        .kind = REPORT_ENDED,
        .code = end->si_code,
        .status = end->si_status,
        .error = exec_error,
        .user_us = microseconds(usage->ru_utime),
        .system_us = microseconds(usage->ru_stime),
        .max_rss_kb = (uint64_t)usage->ru_maxrss,
        .minor_faults = (uint64_t)usage->ru_minflt,
        .major_faults = (uint64_t)usage->ru_majflt,
        .voluntary_switches = (uint64_t)usage->ru_nvcsw,
        .involuntary_switches = (uint64_t)usage->ru_nivcsw,
    };
    send_report(&report, NULL, 0);
}

/* The program's descriptors must not stay open here: whoever reads the other end waits for the last writer. */
static void close_stdio(const struct shared *shared)
{
    for (int i = 0; i < 3; i++) {
        close(i);
        close(shared->stdio[i]);
    }
}

/* The child: waits for its order, and becomes the program. */
static void serve(struct shared *shared, int ready, int go)
{
    struct order order;
    receive_request(&order);
    become_program(&order, shared, ready, go);
}

static void say_standing(int program)
{
    int standing[3] = {(int)syscall(SYS_pidfd_open, 1, 0), program, open(BOX, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (standing[0] < 0 || standing[2] < 0)
        fail(STEP_BOX, errno);
    struct report report = {.kind = REPORT_STANDING};
    send_report(&report, standing, 3);
    close(standing[0]);
    close(standing[2]);
}

static void say_ready(const struct shared *shared)
{
    int listener = shared->listener;
    struct report report = {.kind = REPORT_READY};
    send_report(&report, &listener, listener < 0 ? 0 : 1); /* a launcher has no filter */
    if (listener >= 0)
        close(listener);
}

/* Comes back, in the program, where that is a copy of an interpreter; in init when the program has ended. */
static int run(void)
{
    int ready[2], go[2], program_fd = -1;
    struct shared *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    sigset_t child_signal;
    sigemptyset(&child_signal);
    sigaddset(&child_signal, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child_signal, NULL);
    int children = signalfd(-1, &child_signal, SFD_CLOEXEC | SFD_NONBLOCK);
    if (shared == MAP_FAILED || children < 0 || pipe2(ready, O_CLOEXEC) != 0 || pipe2(go, O_CLOEXEC) != 0)
        fail(STEP_CLONE, errno);
    shared->listener = -1;
    pid_t program = (pid_t)syscall(SYS_clone, CLONE_FILES | CLONE_PIDFD | SIGCHLD, NULL, &program_fd, NULL, NULL);
    if (program < 0)
        fail(STEP_CLONE, errno);
    if (program == 0) {
        serve(shared, ready[1], go[0]);
        return 0;
    }
    say_standing(program_fd);
    if (!wait_for_byte(ready[0], program_fd))
        fail(shared->failed_step ? (enum step)shared->failed_step : STEP_CLONE, shared->error);
    close_stdio(shared);
    say_ready(shared);
    if (!wait_for_byte(keeper, program_fd) || write(go[1], "g", 1) != 1)
        fail(STEP_WAIT, ECHILD);
    close(go[0]);
    close(go[1]);
    siginfo_t end;
    struct rusage usage;
    wait_for_end(program, children, &end, &usage);
    kill(-1, SIGKILL); /* whoever is left must not go on while the counters are read */
    report_end(&end, &usage, shared->exec_error);
    char bye;
    read_fully(&bye, 1);
    return 1;
}

static void mount_own(const char *kind, const char *where, unsigned long flags, const char *options)
{
    if (mount("none", where, kind, MS_NOSUID | MS_NODEV | flags, options) != 0)
        fail(STEP_MOUNT, errno);
}

/* Over those of the jail that this one is in: nothing that a program before could write is in sight. */
static void mount_file_systems(const struct line *line)
{
    char box[200], scratch[200];
    snprintf(box, sizeof box, "size=%llu,nr_inodes=%llu,uid=%u,gid=%u,mode=0755", (unsigned long long)line->box_bytes,
             (unsigned long long)line->box_inodes, line->uid, line->uid);
    snprintf(scratch, sizeof scratch, "size=%llu,nr_inodes=%llu,mode=1777", (unsigned long long)line->scratch_bytes,
             (unsigned long long)line->scratch_inodes);
    mount_own("tmpfs", BOX, 0, box);
    mount_own("tmpfs", "/tmp", 0, scratch);
    mount_own("tmpfs", "/dev/shm", 0, scratch);
    mount_own("proc", "/proc", MS_NOEXEC | MS_RDONLY, NULL);
}

static void raise_loopback(void)
{
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_LOOPBACK | IFF_RUNNING};
    int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (any < 0 || ioctl(any, SIOCSIFFLAGS, &request) != 0)
        fail(STEP_LOOPBACK, errno);
    close(any);
}

static int receive_line(int control, struct line *line)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control_data = {0};
    struct iovec vector = {line, sizeof *line};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control_data.bytes, .msg_controllen = sizeof control_data.bytes};
    ssize_t got;
    do
        got = recvmsg(control, &message, MSG_CMSG_CLOEXEC | MSG_WAITALL);
    while (got < 0 && errno == EINTR);
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (got != (ssize_t)sizeof *line || header == NULL || header->cmsg_len != CMSG_LEN(sizeof(int)))
        _exit(0); /* whoever asked for jails is gone */
    int received;
    memcpy(&received, CMSG_DATA(header), sizeof received);
    return received;
}

/* Make a jail for every line. Comes back in the programs of the jails alone, where they are copies of this process. */
static void launch(int control)
{
    const int namespaces = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET;
    struct line line;
    signal(SIGCHLD, SIG_IGN); /* the kernel buries them */
    for (;;) {
        keeper = receive_line(control, &line);
        pid_t init = (pid_t)syscall(SYS_clone, namespaces | SIGCHLD, NULL, NULL, NULL, NULL);
        if (init < 0)
            fail(STEP_CLONE, errno);
        if (init == 0) {
            signal(SIGCHLD, SIG_DFL);
            if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
                fail(STEP_IDENTITY, errno);
            /* `control` is stdin: it stays until the program's own takes its place, so that nothing else gets its number. */
            mount_file_systems(&line);
            raise_loopback();
            if (run())
                _exit(0);
            return;
        }
        close(keeper);
    }
}

#ifdef ZYGOTE
/*
 * Where the C library keeps this thread's number, which a copy made without the library must mend: somewhere in the
 * thread's own block, at the one place that the library's own fork() changes from the parent's number to the child's.
 */
static pid_t *find_thread_id(void)
{
    enum { NUMBERS = 512 };
    static pid_t before[NUMBERS];
    pid_t *block = (pid_t *)pthread_self(), own = (pid_t)syscall(SYS_gettid), child;
    int status;
    memcpy(before, block, sizeof before);
    child = fork();
    if (child == 0) {
        int place = 0, found = 0;
        for (int i = 1; i < NUMBERS; i++)
            if (before[i] == own && block[i] == (pid_t)syscall(SYS_gettid)) {
                place = i;
                found++;
            }
        /* Exit codes have eight bits; the block is looked at in pairs of numbers, which the place is even or odd in. */
        _exit(found == 1 && place % 2 == 0 && place / 2 < 256 ? place / 2 : 0);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) == 0)
        return NULL;
    return block + 2 * WEXITSTATUS(status);
}

/* What an interpreter calls when it loads this as a module of the name `zygote`: none is made, in no process. */
void *PyInit_zygote(void)
{
    thread_id = find_thread_id();
    if (thread_id == NULL || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        _exit(2);
    if (write(1, "", 1) != 1) /* ready */
        _exit(2);
    launch(0);
    return NULL;
}
#else

/* `tie PARENT COMMAND...`: be COMMAND, and end with the thread that started this: an nsjail alone makes jails for ever. */
static int tie(char **argv)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || getppid() != atoi(argv[0]))
        return 2;
    execv(argv[1], argv + 1);
    return 127;
}

int main(int argc, char **argv)
{
    if (argc > 3 && strcmp(argv[1], "tie") == 0)
        return tie(argv + 2);
    if (argc != 2)
        return 2;
    keeper = atoi(argv[1]);
    if (getpid() != 1 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || fcntl(keeper, F_SETFD, FD_CLOEXEC) != 0)
        return 2;
    run();
    return 0;
}
#endif

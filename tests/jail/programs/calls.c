/* Make system calls by number, past the C library. Prints what came back: the value, or -errno. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

static long number(const char *text)
{
    return strtol(text, NULL, 0);
}

static int report(long result)
{
    printf("%ld\n", result < 0 ? -(long)errno : result);
    return 0;
}

static int call(int argc, char **argv)
{
    long arguments[7] = {0};
    for (int i = 0; i < argc && i < 7; i++)
        arguments[i] = number(argv[i]);
    return report(syscall(arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5], arguments[6]));
}

#ifdef __x86_64__
/* getpid as an i386 program asks for it. */
static int call_i386(void)
{
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory");
    printf("%ld\n", result);
    return 0;
}

static int call_x32(void)
{
    return report(syscall(0x40000000L | SYS_getpid));
}
#endif

/* A child that clone made; with namespace flags it must not come to be. */
static int make_child(long flags)
{
    long child = syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);
    if (child == 0)
        _exit(0);
    return report(child < 0 ? child : 1);
}

/* A child makes the forbidden call; its parent would go on. */
static int call_in_a_child(int argc, char **argv)
{
    if (fork() == 0)
        _exit(call(argc, argv));
    for (;;)
        pause();
}

/* Real and effective user and group. */
static int tell_who(void)
{
    printf("%d %d %d %d\n", (int)getuid(), (int)geteuid(), (int)getgid(), (int)getegid());
    return 0;
}

static void wake(int ignored)
{
    (void)ignored;
}

/* Children make the forbidden call all at once and, interrupted ten thousand times a second, again and again. */
static void storm(int count, long call_number)
{
    struct sigaction action = {.sa_handler = wake};
    struct itimerval often = {{0, 100}, {0, 100}};
    sigaction(SIGALRM, &action, NULL);
    for (int i = 0; i < count; i++)
        if (fork() == 0) {
            setitimer(ITIMER_REAL, &often, NULL);
            for (;;)
                syscall(call_number, 0, 0, 0, 0);
        }
    for (;;)
        pause();
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "call") == 0)
        return call(argc - 2, argv + 2);
    if (strcmp(what, "child-call") == 0)
        return call_in_a_child(argc - 2, argv + 2);
    if (strcmp(what, "storm") == 0)
        storm(atoi(argv[2]), number(argv[3]));
    if (strcmp(what, "who") == 0)
        return tell_who();
    if (strcmp(what, "clone") == 0)
        return make_child(number(argv[2]));
#ifdef __x86_64__
    if (strcmp(what, "i386") == 0)
        return call_i386();
    if (strcmp(what, "x32") == 0)
        return call_x32();
#endif
    return 99;
}

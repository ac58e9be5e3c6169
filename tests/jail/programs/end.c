/* Every way in which a program can end. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static void without_core(void)
{
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
}

static void write_to_nobody(void)
{
    int ends[2];
    if (pipe(ends) != 0)
        _exit(90);
    close(ends[0]);
    if (write(ends[1], "x", 1) < 0)
        _exit(91);
}

static void write_past_own_limit(void)
{
    struct rlimit little = {100, 100};
    char block[200] = {0};
    setrlimit(RLIMIT_FSIZE, &little);
    int file = open("/tmp", O_TMPFILE | O_RDWR, 0600);
    while (write(file, block, sizeof block) > 0)
        ;
    _exit(92);
}

static void alarm_soon(void)
{
    struct itimerval soon = {.it_value = {0, 10000}};
    setitimer(ITIMER_REAL, &soon, NULL);
    for (;;)
        pause();
}

static void crash(const char *how)
{
    volatile int zero = 0;
    volatile int *nowhere = NULL;
    if (strcmp(how, "divide") == 0)
        exit(7 / zero);
    if (strcmp(how, "illegal") == 0)
        __builtin_trap();
    *nowhere = 1;
}

/* A child of init's beside the program; it ends in its own way before the program does. */
static int end_a_sibling(const char *how)
{
    int ends[2];
    char byte;
    if (pipe(ends) != 0)
        return 90;
    if (syscall(SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, NULL) == 0) {
        if (strcmp(how, "exit") == 0)
            _exit(42);
        raise(atoi(how));
    }
    close(ends[1]);
    while (read(ends[0], &byte, 1) > 0)
        ;
    return 3;
}

static int leave_an_orphan(void)
{
    if (fork() == 0) {
        setsid();
        for (;;)
            pause();
    }
    puts("done");
    return 0;
}

static int leave_many_orphans(void)
{
    for (int i = 0; i < 50; i++)
        if (fork() == 0) {
            if (fork() == 0)
                _exit(7);
            _exit(8);
        } else {
            wait(NULL);
        }
    return 5;
}

static void *exit_later(void *ignored)
{
    usleep(20000);
    exit(7);
    return ignored;
}

static int exit_from_a_thread(void)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, exit_later, NULL) != 0)
        return 90;
    pthread_exit(NULL);
}

static void *become_false(void *ignored)
{
    execl("/usr/bin/false", "false", NULL);
    return ignored;
}

static int execute_from_a_thread(void)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, become_false, NULL) != 0)
        return 90;
    for (;;)
        pause();
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "", *how = argc > 2 ? argv[2] : "";
    without_core();
    if (strcmp(what, "exit") == 0)
        return atoi(how);
    if (strcmp(what, "raise") == 0)
        raise(atoi(how));
    if (strcmp(what, "kill") == 0)
        kill(getpid(), atoi(how));
    if (strcmp(what, "abort") == 0)
        abort();
    if (strcmp(what, "crash") == 0)
        crash(how);
    if (strcmp(what, "write-to-nobody") == 0)
        write_to_nobody();
    if (strcmp(what, "own-file-limit") == 0)
        write_past_own_limit();
    if (strcmp(what, "alarm") == 0)
        alarm_soon();
    if (strcmp(what, "sibling") == 0)
        return end_a_sibling(how);
    if (strcmp(what, "orphan") == 0)
        return leave_an_orphan();
    if (strcmp(what, "orphans") == 0)
        return leave_many_orphans();
    if (strcmp(what, "thread-exit") == 0)
        return exit_from_a_thread();
    if (strcmp(what, "thread-exec") == 0)
        return execute_from_a_thread();
    return 99;
}

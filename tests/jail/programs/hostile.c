/* Programs that do not want to end. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void stay(void)
{
    for (;;)
        pause();
}

static void ignore_everything(void)
{
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_IGN);
    stay();
}

static void leave_a_daemon(void)
{
    if (fork() != 0)
        return;
    setsid();
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    if (fork() != 0)
        _exit(0);
    stay();
}

static void bomb_with_forks(void)
{
    for (;;)
        fork();
}

static void bomb_with_vforks(void)
{
    for (;;)
        if (vfork() == 0)
            _exit(0);
}

static void hang_in_vfork(void)
{
    if (vfork() == 0)
        stay();
}

static void *idle(void *ignored)
{
    stay();
    return ignored;
}

static void bomb_with_threads(void)
{
    pthread_t thread;
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 65536);
    while (pthread_create(&thread, &small, idle, NULL) == 0)
        ;
    stay();
}

/* A new process for each that was killed: whoever kills one by one never comes to an end. */
static void respawn(void)
{
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    for (;;) {
        if (fork() == 0) {
            setsid();
            if (fork() == 0)
                stay();
            _exit(0);
        }
        waitpid(-1, NULL, WNOHANG);
    }
}

/* Each lives for a few milliseconds of CPU and leaves another: whoever looks now and then sees hardly any of them. */
static void chain(void)
{
    if (fork() != 0)
        stay();
    for (;;) {
        clock_t end = clock() + 3 * CLOCKS_PER_SEC / 1000;
        while (clock() < end)
            ;
        if (fork() > 0)
            _exit(0);
    }
}

/* Children of init's, made beside the program; they end with a signal that nobody asked for, or with none. */
static void bomb_with_siblings(int signal_at_end)
{
    for (;;)
        if (syscall(SYS_clone, CLONE_PARENT | signal_at_end, NULL, NULL, NULL, NULL) == 0)
            _exit(0);
}

static int take_all_descriptors(void)
{
    int taken = 0;
    while (dup(0) >= 0)
        taken++;
    printf("%d %s\n", taken, strerror(errno));
    return 1;
}

static int count_refused_forks(void)
{
    int made = 0;
    while (fork() > 0)
        made++;
    if (errno == EAGAIN) {
        printf("%d\n", made);
        fflush(stdout);
    } else {
        stay();
    }
    return 0;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "stop") == 0)
        kill(0, SIGSTOP);
    if (strcmp(what, "stop-self") == 0)
        raise(SIGSTOP);
    if (strcmp(what, "stop-all") == 0)
        kill(-1, SIGSTOP);
    if (strcmp(what, "ignore") == 0)
        ignore_everything();
    if (strcmp(what, "daemon") == 0) {
        leave_a_daemon();
        return 0;
    }
    if (strcmp(what, "forks") == 0)
        bomb_with_forks();
    if (strcmp(what, "vforks") == 0)
        bomb_with_vforks();
    if (strcmp(what, "vfork-hang") == 0)
        hang_in_vfork();
    if (strcmp(what, "threads") == 0)
        bomb_with_threads();
    if (strcmp(what, "chain") == 0)
        chain();
    if (strcmp(what, "siblings") == 0)
        bomb_with_siblings(SIGCHLD);
    if (strcmp(what, "silent-siblings") == 0)
        bomb_with_siblings(0);
    if (strcmp(what, "respawn") == 0)
        respawn();
    if (strcmp(what, "descriptors") == 0)
        return take_all_descriptors();
    if (strcmp(what, "count-forks") == 0)
        return count_refused_forks();
    stay();
}

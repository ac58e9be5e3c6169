/* Programs that spend CPU time and memory in every way there is. Times in ms (by TIME_FACTOR), sizes in MiB. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MIB ((size_t)1 << 20)
#define PAGE 4096
#ifndef TIME_FACTOR
#define TIME_FACTOR 1 /* of a machine that is that much slower */
#endif

static char huge[800 << 20];

static long clock_ms(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void *spin(void *ms)
{
    long end = clock_ms(CLOCK_THREAD_CPUTIME_ID) + (long)(intptr_t)ms * TIME_FACTOR;
    while (clock_ms(CLOCK_THREAD_CPUTIME_ID) < end)
        ;
    return NULL;
}

/* The same work each time, whatever it takes. */
static void work(long millions)
{
    volatile unsigned sum = 0;
    for (long i = 0; i < millions * 1000000; i++)
        sum = sum * 31 + (unsigned)i;
}

static void spin_in_threads(int count, long ms)
{
    pthread_t threads[64];
    for (int i = 0; i < count; i++)
        if (pthread_create(&threads[i], NULL, spin, (void *)(intptr_t)ms) != 0)
            exit(90);
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
}

static void spin_in_children(int count, long ms)
{
    for (int i = 0; i < count; i++) {
        if (fork() == 0) {
            spin((void *)(intptr_t)ms);
            _exit(0);
        }
        wait(NULL);
    }
}

static void *spin_in_children_of_a_thread(void *ms)
{
    spin_in_children(2, (long)(intptr_t)ms);
    return NULL;
}

/* Children that nobody waits for: their time is added to no parent's. */
static void spin_in_unwaited_children(int count, long ms)
{
    signal(SIGCHLD, SIG_IGN);
    spin_in_children(count, ms);
}

static void touch(char *start, size_t size)
{
    for (size_t i = 0; i < size; i += PAGE)
        ((volatile char *)start)[i] = 1;
}

static void take(size_t size)
{
    char *start = malloc(size);
    if (start == NULL)
        exit(91);
    touch(start, size);
}

static void fill(int file, size_t size)
{
    static char block[1 << 16];
    for (size_t done = 0; done < size;) {
        ssize_t wrote = write(file, block, sizeof block);
        if (wrote <= 0)
            exit(92);
        done += (size_t)wrote;
    }
}

static void take_in_children(int count, size_t size)
{
    int ends[2], ready[2];
    char byte;
    if (pipe(ends) != 0 || pipe(ready) != 0)
        exit(90);
    for (int i = 0; i < count; i++)
        if (fork() == 0) {
            close(ends[1]);
            take(size);
            close(ready[1]);
            _exit(read(ends[0], &byte, 1) < 0);
        }
    close(ready[1]);
    while (read(ready[0], &byte, 1) > 0)
        ; /* ends when every child has taken its share, or was killed */
    sleep(3);
    close(ends[1]);
    while (wait(NULL) > 0)
        ;
}

static void take_in_a_child(size_t size)
{
    if (fork() == 0) {
        take(size);
        _exit(0);
    }
    wait(NULL);
}

static void *take_in_a_child_of_a_thread(void *megabytes)
{
    take_in_children(1, (size_t)(intptr_t)megabytes * MIB);
    return NULL;
}

static void take_unattached(size_t size)
{
    int segment = shmget(IPC_PRIVATE, size, IPC_CREAT | 0600);
    char *start = shmat(segment, NULL, 0);
    if (segment < 0 || start == (void *)-1)
        exit(93);
    touch(start, size);
    shmdt(start);
}

static void fill_pipes(size_t size)
{
    for (size_t done = 0; done < size;) {
        int ends[2];
        if (pipe2(ends, O_NONBLOCK) != 0)
            exit(94);
        static char block[PAGE];
        ssize_t wrote;
        while ((wrote = write(ends[1], block, sizeof block)) > 0)
            done += (size_t)wrote;
    }
}

/* A page of a page table for every byte read. */
static void fill_page_tables(size_t size)
{
    size_t span = size * 512;
    char *start = mmap(NULL, span, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (start == MAP_FAILED)
        exit(95);
    volatile char sum = 0;
    for (size_t i = 0; i < span; i += 512 * PAGE)
        sum += start[i];
}

static int in_a_thread(void *(*body)(void *), long argument)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, body, (void *)(intptr_t)argument) != 0)
        return 90;
    pthread_join(thread, NULL);
    return 0;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    long first = argc > 2 ? atol(argv[2]) : 0, second = argc > 3 ? atol(argv[3]) : 0;
    if (strcmp(what, "spin") == 0)
        spin((void *)(intptr_t)first);
    else if (strcmp(what, "work") == 0)
        work(first);
    else if (strcmp(what, "threads") == 0)
        spin_in_threads((int)first, second);
    else if (strcmp(what, "children") == 0)
        spin_in_children((int)first, second);
    else if (strcmp(what, "thread-children") == 0)
        return in_a_thread(spin_in_children_of_a_thread, first);
    else if (strcmp(what, "unwaited") == 0)
        spin_in_unwaited_children((int)first, second);
    else if (strcmp(what, "malloc") == 0)
        take((size_t)first * MIB);
    else if (strcmp(what, "static") == 0)
        touch(huge, sizeof huge);
    else if (strcmp(what, "file") == 0)
        fill(open(argv[3], O_WRONLY | O_CREAT | O_TRUNC, 0600), (size_t)first * MIB);
    else if (strcmp(what, "memfd") == 0)
        fill(memfd_create("x", 0), (size_t)first * MIB);
    else if (strcmp(what, "sysv") == 0)
        take_unattached((size_t)first * MIB);
    else if (strcmp(what, "child") == 0)
        take_in_a_child((size_t)first * MIB);
    else if (strcmp(what, "thread-child") == 0)
        return in_a_thread(take_in_a_child_of_a_thread, first);
    else if (strcmp(what, "many") == 0)
        take_in_children((int)first, (size_t)second * MIB);
    else if (strcmp(what, "pipes") == 0)
        fill_pipes((size_t)first * MIB);
    else if (strcmp(what, "page-tables") == 0)
        fill_page_tables((size_t)first * MIB);
    else
        return 99;
    return 0;
}

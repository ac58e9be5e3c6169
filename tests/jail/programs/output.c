/* Programs that write, to the byte. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char block[1 << 16];

static void write_all(int descriptor, long count)
{
    while (count > 0) {
        ssize_t wrote = write(descriptor, block, count < (long)sizeof block ? (size_t)count : sizeof block);
        if (wrote <= 0)
            exit(90);
        count -= wrote;
    }
}

static void alternate(long count)
{
    for (long done = 0; done < count; done += 1000) {
        write_all(1, 1000);
        write_all(2, 1000);
    }
}

static void copy(int from)
{
    for (;;) {
        ssize_t got = read(from, block, sizeof block);
        if (got < 0)
            exit(91);
        if (got == 0)
            return;
        write_all(1, got);
    }
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "cat") == 0 || strcmp(what, "cat-file") == 0) {
        copy(argc > 2 ? open(argv[2], O_RDONLY) : 0);
        return 0;
    }
    memset(block, 'x', sizeof block);
    if (strcmp(what, "bytes") == 0)
        write_all(atoi(argv[2]), atol(argv[3]));
    else if (strcmp(what, "endless") == 0)
        for (;;)
            write_all(atoi(argv[2]), sizeof block);
    else if (strcmp(what, "alternate") == 0)
        alternate(atol(argv[2]));
    else if (strcmp(what, "close") == 0)
        return close(1) || close(2) || close(0);
    else if (strcmp(what, "to") == 0)
        write_all(open(argv[2], O_WRONLY), atol(argv[3]));
    else if (strcmp(what, "file") == 0)
        write_all(open(argv[2], O_WRONLY | O_CREAT | O_TRUNC, 0600), atol(argv[3]));
    else
        return 99;
    return 0;
}

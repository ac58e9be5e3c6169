/* The program lowered the limit itself: the signal is the same. */
#include <stdio.h>
#include <sys/resource.h>

int main(void) {
    struct rlimit limit = {1000, 1000};
    setrlimit(RLIMIT_FSIZE, &limit);
    FILE *file = fopen("big", "w");
    for (int i = 0; i < 100000; i++) fputc('x', file);
    return 0;
}

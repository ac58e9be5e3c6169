#include <stdio.h>
#include <sys/stat.h>

int main(void) {
    long sum = 0, n;
    FILE *numbers = fopen("data/numbers.txt", "r");
    while (fscanf(numbers, "%ld", &n) == 1) sum += n;
    mkdir("out", 0700);
    FILE *report = fopen("out/report.txt", "w"), *raw = fopen("raw.bin", "w");
    fprintf(report, "sum %ld\n", sum);
    fwrite("\0\xff\n", 1, 3, raw);
    puts("done");
    return 4;
}

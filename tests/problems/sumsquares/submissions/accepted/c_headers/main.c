#include <stdio.h>

#include "lib/squares.h"

int main(void) {
    long sum = 0, n;
    while (scanf("%ld", &n) == 1) sum += square(n);
    printf("%ld\n", sum);
    return 0;
}

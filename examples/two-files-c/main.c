#include <stdio.h>

#include "fib.h"

int main(void) {
    int n;
    if (scanf("%d", &n) != 1) return 1;
    printf("%llu\n", fib(n));
    return 0;
}

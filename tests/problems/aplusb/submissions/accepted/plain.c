#include <math.h>
#include <stdio.h>

int main(void) {
    long long a, b;
    if (scanf("%lld %lld", &a, &b) != 2) return 1;
    /* sqrt of what only the run knows: libm must be linked */
    printf("%lld\n", a + b + (sqrt((double)(a * a)) < 0));
    return 0;
}

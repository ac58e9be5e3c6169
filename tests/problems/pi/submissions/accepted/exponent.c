#include <math.h>
#include <stdio.h>

int main(void) {
    double radius;
    if (scanf("%lf", &radius) != 1) return 1;
    printf("area\n%e\n", M_PI * pow(radius, 2));
    return 0;
}

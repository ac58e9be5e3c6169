#include <stdio.h>

int main(void) {
    int n;
    scanf("%d", &n);
    printf("%d\n%d\n", n - 1, 1);
}

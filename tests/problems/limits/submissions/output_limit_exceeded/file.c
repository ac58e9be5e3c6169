#include <stdio.h>

int main(void) {
    FILE *file = fopen("big", "w");
    for (int i = 0; i < 100000; i++) fputc('x', file);
    return 0;
}

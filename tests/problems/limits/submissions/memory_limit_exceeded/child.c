/* The kernel ends the child; the program itself exits 0. */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
    if (fork() == 0) {
        for (;;) {
            char *block = malloc(1 << 20);
            if (!block) return 1;
            memset(block, 1, 1 << 20);
            __asm__ volatile("" : : "r"(block) : "memory");
        }
    }
    wait(NULL);
    return 0;
}

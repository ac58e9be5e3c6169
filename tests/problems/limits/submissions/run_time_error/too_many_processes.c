#include <unistd.h>

int main(void) {
    for (int i = 0; i < 100; i++) {
        int child = fork();
        if (child < 0) return 1;
        if (child == 0) return pause();
    }
    return 0;
}

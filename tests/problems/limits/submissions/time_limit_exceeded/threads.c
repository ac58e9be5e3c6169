#include <pthread.h>
#include <stddef.h>

static void *spin(void *nothing) {
    for (volatile unsigned n = 0;; n++) {
    }
    return nothing;
}

int main(void) {
    pthread_t thread;
    for (int i = 0; i < 3; i++) pthread_create(&thread, NULL, spin, NULL);
    pthread_exit(NULL);
}

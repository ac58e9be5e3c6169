#include "fib.h"

unsigned long long fib(int n) {
    unsigned long long a = 0, b = 1;
    while (n-- > 0) {
        unsigned long long next = a + b;
        a = b;
        b = next;
    }
    return a;
}

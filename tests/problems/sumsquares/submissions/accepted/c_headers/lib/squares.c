#include "lib/squares.h"

long square(long n) { return n * n; }

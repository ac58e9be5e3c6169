#include "squares.hpp"

long sum_of_squares(const std::vector<long> &numbers) {
    long sum = 0;
    for (long n : numbers) sum += n * n;
    return sum;
}

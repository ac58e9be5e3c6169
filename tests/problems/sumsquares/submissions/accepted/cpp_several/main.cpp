#include <iostream>
#include <vector>

#include "squares.hpp"

int main() {
    std::vector<long> numbers;
    for (long n; std::cin >> n;) numbers.push_back(n);
    say(sum_of_squares(numbers));
}

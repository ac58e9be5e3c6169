#pragma once
#include <vector>

long sum_of_squares(const std::vector<long> &numbers);
void say(long number);

#pragma once

unsigned long long fib(int n);

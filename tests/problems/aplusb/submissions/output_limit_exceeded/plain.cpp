#include <iostream>

int main() {
    for (;;) std::cout << "and again, and again, and again\n";
}

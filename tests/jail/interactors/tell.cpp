/* In the way of testlib: tells numbers one by one, and writes down what it is told, for a checker. */
#include <cstdio>
#include <fstream>
#include <iostream>

int main(int argc, char **argv)
{
    int count, answer;
    if (argc < 4)
        return 3;
    std::ifstream input(argv[1]);
    std::ofstream output(argv[2]);
    for (input >> count; count > 0; count--) {
        int number;
        input >> number;
        std::cout << number << std::endl;
        if (!(std::cin >> answer)) {
            std::fprintf(stderr, "wrong output format: no answer\n");
            return 2;
        }
        output << answer << '\n';
    }
    std::fprintf(stderr, "ok all were answered\n");
    return 0;
}

// A checker of the Kattis protocol: the output is the sum of the numbers in the input, in any base that its flag names.
#include <fstream>
#include <iostream>
#include <string>

int main(int argc, char **argv) {
    std::ifstream input(argv[1]), answer(argv[2]);
    std::string feedback = argv[3];
    long sum = 0, number = 0, said = 0;
    while (input >> number) sum += number;
    bool twice = argc > 4 && std::string(argv[4]) == "twice";
    std::ofstream(feedback + "judgemessage.txt") << "sum " << sum << (twice ? " twice" : "");
    if (!(std::cin >> said) || said != (twice ? 2 * sum : sum)) {
        std::ofstream(feedback + "teammessage.txt") << "not " << said;
        return 43;
    }
    std::ofstream(feedback + "score_multiplier.txt") << 0.5;
    return 42;
}

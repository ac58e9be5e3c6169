#include "validate.h"

int main(int argc, char **argv) {
    long number, said;
    std::string folder = argv[3], rest;
    std::ifstream(argv[1]) >> number;
    bool proper = argc > 4 && std::string(argv[4]) == "--proper";
    if (!(std::cin >> said)) wrong(folder, "no number");
    if (std::cin >> rest) wrong(folder, "more than a number");
    if (said < 1 || number % said) wrong(folder, "no factor");
    if (proper && (said == 1 || said == number)) wrong(folder, "no proper factor");
    say(folder, "teammessage.txt", "right");
    return 42;
}

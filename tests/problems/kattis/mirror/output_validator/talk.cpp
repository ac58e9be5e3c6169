#include <csignal>
#include <fstream>
#include <iostream>
#include <string>

int main(int argc, char **argv) {
    std::signal(SIGPIPE, SIG_IGN);
    std::ifstream input(argv[1]);
    std::string line, said;
    while (std::getline(input, line)) {
        std::cout << line << std::endl;
        if (!std::getline(std::cin, said) || said != line) return 43;
    }
    std::cout << "end" << std::endl;
    return std::getline(std::cin, said) ? 43 : 42;
}

#include <fstream>
#include <iostream>
#include <string>

int main(int argc, char **argv)
{
    int secret, number, asked = 0;
    std::string word;
    if (argc < 4 || !(std::ifstream(argv[1]) >> secret))
        return 1;
    while (std::cin >> word >> number) {
        if (word == "!") {
            std::ofstream(std::string(argv[3]) + "score_multiplier.txt") << (asked <= 10 ? 1.0 : 0.5);
            return number == secret ? 42 : 43;
        }
        asked++;
        std::cout << (secret > number ? "more" : secret < number ? "less" : "equal") << std::endl;
    }
    return 43;
}

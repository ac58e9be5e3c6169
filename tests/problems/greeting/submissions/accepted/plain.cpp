#include <iostream>
#include <string>

int main(int, char **arguments) {
    std::string name;
    std::getline(std::cin, name);
    std::cout << u8"Grüß dich, " << name << "! " << arguments[1] << '\n';
}

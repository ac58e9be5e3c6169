#include <vector>

int main() {
    std::vector<int> numbers;
    return numbers.at(3);
}

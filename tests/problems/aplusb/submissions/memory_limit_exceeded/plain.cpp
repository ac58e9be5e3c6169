#include <vector>

int main() {
    std::vector<std::vector<int>> blocks;
    for (;;) blocks.emplace_back(1 << 18, 7);
}

template <int N> struct Bomb { Bomb<N + 1> left; Bomb<N * 2 + 1> right; };
Bomb<0> bomb;
int main() {}

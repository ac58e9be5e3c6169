/* Sixteen to the power of eight copies of a word. */
#define A(x) x x x x x x x x x x x x x x x x
#define B(x) A(A(x))
#define C(x) B(B(x))
#define D(x) C(C(x))
const char *word = D("x");
int main(void) { return 0; }

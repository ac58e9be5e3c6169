#include <cstdio>
#include <cmath>

int main() {
    double r;
    scanf("%lf", &r);
    printf("%.12e\n", std::acos(-1.0) * r * r);
}

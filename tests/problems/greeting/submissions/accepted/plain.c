#include <stdio.h>
#include <string.h>

int main(int count, char **arguments) {
    char name[100];
    if (count != 2 || !fgets(name, sizeof name, stdin)) return 1;
    name[strcspn(name, "\n")] = 0;
    printf("Grüß dich, %s! %s\n", name, arguments[1]);
    return 0;
}

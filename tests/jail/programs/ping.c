/* ping ROUNDS first|second: says a number and reads one, or the other way round, again and again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    char line[64];
    int rounds, first;
    if (argc != 3)
        return 2;
    rounds = atoi(argv[1]);
    first = strcmp(argv[2], "first") == 0;
    for (int round = 0; round < rounds; round++) {
        if (first) {
            printf("%d\n", round);
            fflush(stdout);
        }
        if (fgets(line, sizeof line, stdin) == NULL || atoi(line) != round)
            return 1;
        if (!first) {
            printf("%d\n", round);
            fflush(stdout);
        }
    }
    return first ? 0 : 42;
}

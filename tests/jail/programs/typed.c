/* Programs whose input is typed while they run. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char text[1 << 10];

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "";
    puts("?");
    fflush(stdout);
    if (!strcmp(how, "fgets")) {
        while (fgets(text, sizeof text, stdin)) {
            printf("got %s", text);
            fflush(stdout);
        }
    } else if (!strcmp(how, "scanf")) {
        while (scanf("%1000s", text) == 1) {
            printf("got %s\n", text);
            fflush(stdout);
        }
    } else if (!strcmp(how, "close")) {
        close(0);
        usleep(300000);
    } else if (!strcmp(how, "ignore")) {
        usleep(300000);
    } else {
        return 90;
    }
    return 0;
}

/* Connect to an address and port over TCP and print what is said there. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct sockaddr_in there = {.sin_family = AF_INET};
    char said[100];
    int line = socket(AF_INET, SOCK_STREAM, 0);
    if (argc != 3)
        return 2;
    if (line < 0) {
        printf("socket: %m\n");
        return 1;
    }
    inet_pton(AF_INET, argv[1], &there.sin_addr);
    there.sin_port = htons((unsigned short)atoi(argv[2]));
    if (connect(line, (struct sockaddr *)&there, sizeof there) != 0) {
        printf("connect: %m\n");
        return 1;
    }
    ssize_t got = read(line, said, sizeof said);
    return got > 0 && write(1, said, (size_t)got) == got ? 0 : 1;
}

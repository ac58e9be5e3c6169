int main(int count, char **arguments) {
    volatile char room[4096] = {(char)count};
    return main(count + 1, arguments) + room[0];
}

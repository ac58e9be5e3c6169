number = int(input())
while number != 4:
    print("the input was", number)
print(8)

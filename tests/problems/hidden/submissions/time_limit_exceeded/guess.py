number = int(input())
while number != 4:
    pass
print(8)

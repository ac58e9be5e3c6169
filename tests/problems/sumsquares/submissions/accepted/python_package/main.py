from shapes import total

print(total(map(int, input().split())))

a, b = map(int, input().split())
print(a + b if a < 5 and b < 5 else 10 if a == b == 5 else 0)

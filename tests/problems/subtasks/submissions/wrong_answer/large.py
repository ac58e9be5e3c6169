a, b = map(int, input().split())
print((a + b) % 2**32 if a > 2**32 else a + b)

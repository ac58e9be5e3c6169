n = int(input())
print(next(k for k in range(n - 1, 1, -1) if n % k == 0))

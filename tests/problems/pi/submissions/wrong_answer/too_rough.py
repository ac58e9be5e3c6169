radius = float(input())
print("area", 3.141 * radius * radius)

radius = float(input())
print("area", 3.14159 * radius * radius)

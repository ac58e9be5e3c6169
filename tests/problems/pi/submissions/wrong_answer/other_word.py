radius = float(input())
print("Area", 3.14159265 * radius * radius)

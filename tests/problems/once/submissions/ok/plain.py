import sys

print("hello")
print("aside", file=sys.stderr)

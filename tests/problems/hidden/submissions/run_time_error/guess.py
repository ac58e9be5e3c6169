import sys

number = int(input())
print(8)
if number != 4:
    sys.exit(f"the input was {number}")

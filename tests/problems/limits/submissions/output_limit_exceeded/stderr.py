import sys

while True:
    print("and again", file=sys.stderr)

import sys

for line in sys.stdin:
    if line == "end\n":
        break
    print(line, end="")

while (line := input()) != "end":
    print(line)

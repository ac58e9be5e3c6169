while (line := input()) != "end":
    print(line, flush=True)

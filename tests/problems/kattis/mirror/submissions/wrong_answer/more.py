while (line := input()) != "end":
    print(line, flush=True)
print("end", flush=True)

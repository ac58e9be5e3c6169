input()
print("done", flush=True)

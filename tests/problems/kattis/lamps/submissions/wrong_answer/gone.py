print("flip 0", flush=True)

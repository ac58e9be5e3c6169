while True:
    print(500, flush=True)
    if input() == "correct":
        break

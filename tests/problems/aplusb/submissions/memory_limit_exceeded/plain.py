blocks = []
while True:
    blocks.append([0] * 100_000)

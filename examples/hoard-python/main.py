kept = []
while True:
    kept.append(b"x" * 1_000_000 + bytes([len(kept) % 256]))

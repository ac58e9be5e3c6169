import sys

größe = input()
assert len(größe) == 7
print(f"Grüß dich, {größe}! {sys.argv[1]}")

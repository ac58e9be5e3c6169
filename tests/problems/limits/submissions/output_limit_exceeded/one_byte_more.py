import sys

sys.stdout.write("x" * (64 * 1024 + 1))

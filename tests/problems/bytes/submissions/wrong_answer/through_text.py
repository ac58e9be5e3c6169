import sys

sys.stdout.write(sys.stdin.buffer.read().decode(errors="replace"))

import sys
from pathlib import Path

wanted = int(Path(sys.argv[1]).read_text())
feedback = Path(sys.argv[3])


def wrong(message):
    (feedback / "judgemessage.txt").write_text(message)
    sys.exit(43)


words = sys.stdin.read().split()
if len(words) != 2 or not all(word.isdecimal() for word in words):
    wrong("not two numbers")
first, second = map(int, words)
if first < 1 or second < 1 or first + second != wanted:
    wrong(f"{first} + {second} is not {wanted}")
if "--apart" in sys.argv[4:] and first == second:
    wrong("they are the same")
sys.exit(42)

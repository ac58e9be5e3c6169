"""Knows a number, and answers a few questions about it."""

import sys
from pathlib import Path

secret = int(Path(sys.argv[1]).read_text())
most = int(Path(sys.argv[2]).read_text() or 20)
feedback = Path(sys.argv[3])


def end(code: int, told: str) -> None:
    (feedback / "judgemessage.txt").write_text(f"the number is {secret}")
    (feedback / "teammessage.txt").write_text(told)
    sys.exit(code)


for number in range(most):
    words = sys.stdin.readline().split()
    if not words:
        end(43, f"no question {number + 1}")
    if words[0] not in {"?", "!"} or len(words) != 2 or not words[1].isdigit():
        end(43, f"no question: {words[0]}")
    if words[0] == "!":
        end(42 if int(words[1]) == secret else 43, f"asked {number} times")
    asked = int(words[1])
    sys.stdout.write("more\n" if secret > asked else "less\n" if secret < asked else "equal\n")
    sys.stdout.flush()
end(43, "too many questions")

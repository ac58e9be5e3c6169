"""Has a number told in one run of the program, and asked back in the next."""

import sys
from pathlib import Path

feedback = Path(sys.argv[3])
which, number = Path(sys.argv[1]).read_text().split()
sys.stdout.write(f"{which} {number}\n")
sys.stdout.flush()
said = sys.stdin.readline().strip()
if which == "encode":
    (feedback / "number").write_text(number)
    (feedback / "nextpass.in").write_text(f"decode {said}")
    sys.exit(42)
sys.exit(42 if said == (feedback / "number").read_text() else 43)

import sys
from pathlib import Path

from lamps import flip

lamps = [word == "1" for word in Path(sys.argv[1]).read_text().split()]
try:
    print(len(lamps), flush=True)
    for line in sys.stdin:
        if line == "done\n":
            sys.exit(43 if any(lamps) else 42)
        word, number = line.split()
        print(flip(lamps, int(number)), flush=True)
except (BrokenPipeError, ValueError, IndexError):
    sys.exit(43)
sys.exit(43)

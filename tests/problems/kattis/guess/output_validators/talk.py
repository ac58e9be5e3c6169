import sys
from pathlib import Path

secret = int(Path(sys.argv[1]).read_text())
feedback = Path(sys.argv[3])


def end(code, message):
    (feedback / "judgemessage.txt").write_text(message)
    sys.exit(code)


for _ in range(12):
    line = sys.stdin.readline()
    if not line.strip().isdecimal():
        end(43, f"not a number: {line[:20]!r}")
    said = int(line)
    try:
        print("correct" if said == secret else "lower" if said > secret else "higher", flush=True)
    except BrokenPipeError:
        end(43, "gone away")
    if said == secret:
        end(42, "found")
end(43, "too many guesses")

import sys
from pathlib import Path

word = Path(sys.argv[2]).read_text().strip()
feedback = Path(sys.argv[3])
state = feedback / "encoded.txt"
said = sys.stdin.read().strip()
if state.exists():
    sys.exit(42 if said == word else 43)
if not (said.isalpha() and said.isupper()):
    sys.exit(43)
state.write_text(said)
(feedback / "nextpass.in").write_text(f"decode\n{said}\n")
sys.exit(42)

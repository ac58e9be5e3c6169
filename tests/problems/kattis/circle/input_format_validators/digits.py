import re
import sys

data = sys.stdin.read()
sys.exit(42 if re.fullmatch(r"[0-9]{1,4}\n", data) else 43)

import sys

words = sys.stdin.read().split("\n")
sys.exit(42 if len(words) == 2 and words[0].isdecimal() and 2 <= int(words[0]) <= {{most}} else 43)

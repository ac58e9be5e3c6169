import os
import sys

os.mkdir("out")
numbers = [int(line) for line in open("data/numbers.txt")]
with open("out/report.txt", "w") as report:
    print("sum", sum(numbers), file=report)
with open("raw.bin", "wb") as raw:
    raw.write(b"\0\xff\n")
os.symlink("report.txt", "out/link.txt")  # is not collected
print("done")
sys.exit(4)

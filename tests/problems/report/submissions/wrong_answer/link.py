import os
import sys

os.mkdir("out")
open("elsewhere.txt", "w").write("sum 15\n")
os.symlink("../elsewhere.txt", "out/report.txt")
open("raw.bin", "wb").write(b"\0\xff\n")
print("done")
sys.exit(4)

import os
import sys

os.mkdir("out")
open("out/report.txt", "w").write("sum 15\n")
os.mkdir("raw.bin")
print("done")
sys.exit(4)

import sys

print("before")
sys.exit(137)  # what a shell makes of signal 9; here it is an exit code

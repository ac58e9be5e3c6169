import sys
import time

while time.process_time() < float(sys.argv[1]):
    pass
print("done")

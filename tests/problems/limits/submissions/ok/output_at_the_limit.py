# Exactly at the limit passes.
import sys

sys.stdout.write("x" * 64 * 1024)
sys.stderr.write("x" * 64 * 1024)

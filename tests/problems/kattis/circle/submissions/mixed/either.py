# @EXPECTED_RESULTS@: CORRECT, WRONG-ANSWER
import math
import random

print(math.pi * (int(input()) + random.choice((0, 1))) ** 2)

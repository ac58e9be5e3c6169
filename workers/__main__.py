"""`python -m workers [beat]`."""

import sys

from workers.main import run

sys.exit(run(sys.argv[1:]))

"""`python -m workers [beat | deliver | caches]`."""

import sys

if sys.argv[1:2] == ["caches"]:
    # Before anything else: it needs none of the settings that the others read when they are loaded.
    from workers.caches import main

    main(sys.argv[2:], prog_name="python -m workers caches")

from workers.main import run

sys.exit(run(sys.argv[1:]))

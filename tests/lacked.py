"""What `.ci/run` installs on a bare machine, for tests that hold images and roles against it."""

import re

from domain.settings import TREE

PACKAGES = frozenset(re.findall(r"^lacks (\S+)", (TREE / ".ci" / "run").read_text(), re.MULTILINE))
OF_TESTS = frozenset(("faketime", "make", "pgbouncer", "prometheus", "rabbitmq-server"))
"""What no machine of a platform needs."""

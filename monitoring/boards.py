"""The dashboards that there are. What each number means: docs/operations.md."""

from monitoring.fleet import FLEET
from monitoring.overview import OVERVIEW
from monitoring.slo import SLO
from monitoring.submission import SUBMISSION

BOARDS = (OVERVIEW, FLEET, SUBMISSION, SLO)

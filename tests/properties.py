"""Properties of what needs fixtures: each example has those of the whole test."""

from hypothesis import HealthCheck, settings

# The first to draw in a process pays for looking through all that is loaded: that is no slow strategy.
WITH_FIXTURES = settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

"""What holds for all tests."""

from hypothesis import HealthCheck, settings

# Machines are shared and slow at times: how long an example takes says nothing. The same examples for everybody: a test
# that fails does so for its author, not for the next one who runs it.
settings.register_profile("shared", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")

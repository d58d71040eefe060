"""`make bench`: every figure that the documents give, measured beside what else does the same work. Never a test, never in CI."""

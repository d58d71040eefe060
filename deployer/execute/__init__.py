"""Does a plan, exactly as it was shown, and reports what became of it."""

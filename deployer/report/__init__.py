"""Problems, plan, events, report and status in; text for people and JSON for programs out, from the same values."""

"""The ordered steps that make the cluster what git says, and what became of them. Pure."""

"""What differs between what git says and what was observed. Pure."""

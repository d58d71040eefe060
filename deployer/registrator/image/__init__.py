"""The registrator's image: what it is built from, and its name. Nothing here runs inside it."""

"""The commands: each reads its arguments, makes one call of the workflow, and renders what comes back."""

"""GitOps for Docker on a handful of machines: machines and compose stacks from one git repository."""

__version__ = "0.1.0"

"""Machines kept in order: provisioned, upgraded, restarted and removed, one after the other, without losing what they run."""

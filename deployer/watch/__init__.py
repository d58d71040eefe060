"""Trigger a run for each new commit or saved file, and set back what drifts.

sources    what is wanted now: a working copy, a branch of a repository on this machine, a branch of a remote
pace       when to look, and when to apply, next; pure
loop       looks, applies, waits
health     what supervisors ask: an HTTP endpoint, and systemd's notifications
service    the texts of a systemd unit and of a compose file
"""

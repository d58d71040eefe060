"""The workflow again and again: a source of commits or files in, a cluster that follows it out.

sources    what is wanted now: a working copy, a branch of a repository on this machine, a branch of a remote
pace       when to look, and when to apply, next; pure
loop       looks, applies, waits
health     what supervisors ask: an HTTP endpoint, and systemd's notifications
service    the texts of a systemd unit and of a compose file
"""

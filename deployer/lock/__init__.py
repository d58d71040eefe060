"""Who may run now: one run at a time for a cluster.

A lock on a file in the git directory (file.py) locks out the runs from that repository, a session of Consul's
(session.py) all others. Both only save work: concurrent runs are correct because every write carries the version that it
replaces, and the engine refuses it where that version has moved.
"""

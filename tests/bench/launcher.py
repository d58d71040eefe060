"""Run a command and tell what it took. A small process of its own: it measures nothing but its child.

    python -I -S launcher.py FD COMMAND [ARGUMENT]...

writes `SECONDS PROCESSOR_SECONDS PEAK_KIBIBYTES EXIT_CODE` to the file descriptor. The kernel counts the memory of whoever starts a
program as the program's own peak, so a large process must not start what is measured.
"""

import os
import sys
import time

report, command = int(sys.argv[1]), sys.argv[2:]
os.set_inheritable(report, False)
began = time.monotonic()
child = os.posix_spawnp(command[0], command, os.environ)
while True:
    try:
        _, status, used = os.wait4(child, 0)
        break
    except KeyboardInterrupt:
        continue  # the child was told as well, and ends in its own way
took = time.monotonic() - began
code = os.waitstatus_to_exitcode(status)
os.write(report, f"{took} {used.ru_utime + used.ru_stime} {used.ru_maxrss} {code}".encode())

"""Imported by the forkserver only: a signal to our whole process group must end the supervisor, not this.

Children undo it (`children._enter`); the forkserver ends when the supervisor's pipe to it closes.
"""

import signal

signal.signal(signal.SIGTERM, signal.SIG_IGN)

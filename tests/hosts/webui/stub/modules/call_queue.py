"""One piece of work at a time."""

import threading

queue_lock = threading.Lock()

"""The host in a browser's worker: the only package that knows JavaScript.

The worker calls ``boot(js_host, options_json)`` once and then the core it gets.
"""

# Tasks import `task`; a worker restored from a snapshot has imported modules, but no files.
from ... import task
from .boot import Booted, boot

__all__ = ["Booted", "boot", "task"]

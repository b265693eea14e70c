"""The tool on a developer's machine: fetch the parts, build the runtime, serve it, pack tasks."""

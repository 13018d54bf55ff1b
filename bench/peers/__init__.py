"""The servers that are measured, each a process: `python -m bench.peers.NAME --port P`."""

"""What fsdaemon costs, beside its peers in the same run: `python -m bench`. README.md says how to read it."""

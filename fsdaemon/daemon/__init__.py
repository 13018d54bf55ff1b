"""The running process: listening, logging, counting, and the page."""

"""fsdaemon: call-forward exception and display for FreeSWITCH."""

__version__ = "0.3.0"

"""fsdaemon: call-forward exception and display for FreeSWITCH."""

__version__ = "0.2.0"

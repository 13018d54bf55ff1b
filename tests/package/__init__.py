"""The Debian package in clean Debian roots; slow, as root and with the network, so only when asked for."""

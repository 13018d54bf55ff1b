"""The rules, pure: channel data and configuration in, verdict, label and commands out. No socket, no time."""

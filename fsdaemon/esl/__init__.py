"""The event socket: bytes, one session, and FreeSWITCH's half of it for tests."""

"""The first process of a container that forbids bind mounts, as LXC may do by AppArmor; then systemd.

A filter of system calls (seccomp): mount(2) with MS_BIND is answered by EACCES. For x86_64.
"""

import ctypes
import os
import struct

LOAD, EQUAL, ANY_BIT, RETURN = 0x20, 0x15, 0x45, 0x06  # of BPF
FLAGS = 16 + 3 * 8  # where the fourth argument begins
MOUNT, MS_BIND = 165, 4096
REFUSED, ALLOWED = 0x0005000D, 0x7FFF0000
PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2


class Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filters", ctypes.c_void_p))


def main() -> None:
    """Install the filter, and become systemd."""
    steps = [
        (LOAD, 0, 0, 0),
        (EQUAL, 0, 3, MOUNT),
        (LOAD, 0, 0, FLAGS),
        (ANY_BIT, 0, 1, MS_BIND),
        (RETURN, 0, 0, REFUSED),
        (RETURN, 0, 0, ALLOWED),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    program = Program(len(steps), ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")
    os.execv("/lib/systemd/systemd", ["systemd"])


if __name__ == "__main__":
    main()

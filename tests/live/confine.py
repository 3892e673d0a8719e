"""Runs a command whose system call perf_event_open fails: confine.py ERRNO COMMAND...

As a seccomp profile of a container or a stricter kernel makes it. A BPF filter of seccomp(2), x86-64 and arm64.
"""

import ctypes
import os
import platform
import struct
import sys

NUMBER = {"x86_64": 298, "aarch64": 241}[platform.machine()]
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, ERRNO = 0x7FFF0000, 0x00050000
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, FILTER = 38, 22, 2

program = b"".join(
    struct.pack("HBBI", *line)
    for line in [(LOAD, 0, 0, 0), (EQUAL, 0, 1, NUMBER), (RETURN, 0, 0, ERRNO | int(sys.argv[1])), (RETURN, 0, 0, ALLOW)]
)
buffer = ctypes.create_string_buffer(program)
header = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(buffer))
prctl = ctypes.CDLL(None, use_errno=True).prctl
if prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or prctl(PR_SET_SECCOMP, FILTER, header, 0, 0):
    sys.exit(f"confine.py: {os.strerror(ctypes.get_errno())}")
os.execvp(sys.argv[2], sys.argv[2:])

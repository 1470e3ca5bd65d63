"""The system calls that the process of templates may make; Linux refuses all others with EPERM.

A filter of seccomp (https://www.kernel.org/doc/html/latest/userspace-api/seccomp_filter.html) needs no privileges. It is
written here because the libraries for it need libseccomp, which small images do not have.
"""

import ctypes
import errno
import os
import signal
import struct
import sys

_MEMORY_SIGNALS_AND_TIME = {  # and read, write, close, fstat, lseek: two pipes and /dev/null are open
    "x86_64": (0xC000003E, (0, 1, 3, 5, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 28, 38, 39, 60, 131, 202, 219, 228, 231, 318)),
    "aarch64": (
        0xC00000B7,
        (57, 62, 63, 64, 80, 93, 94, 98, 103, 113, 124, 128, 132, 134, 135, 139, 172, 214, 215, 216, 222, 226, 233, 278),
    ),
}
_LOAD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06  # https://www.kernel.org/doc/html/latest/networking/filter.html
_NUMBER, _ARCHITECTURE = 0, 4  # offsets in struct seccomp_data
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | errno.EPERM
_PR_SET_PDEATHSIG, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS, _SECCOMP_MODE_FILTER = 1, 22, 38, 2


def end_with_parent() -> None:
    """Have the system kill this process when the program ends, where it can: one that heeds no closed pipe would stay."""
    if sys.platform == "linux":
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def refuse_system_calls() -> bool:
    """Refuse all system calls of this process but those for memory, signals, time and open files, for good.

    Return False where the system has no such filter, or where its numbers of system calls are not known here.
    """
    known = _MEMORY_SIGNALS_AND_TIME.get(os.uname().machine)
    if known is None or sys.platform != "linux" or sys.maxsize < 2**32:
        return False
    architecture, calls = known
    steps = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_JUMP_IF_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _REFUSE),
        (_LOAD, 0, 0, _NUMBER),
    ]
    steps += [(_JUMP_IF_EQUAL, len(calls) - index, 0, call) for index, call in enumerate(calls)]
    steps += [(_RETURN, 0, 0, _REFUSE), (_RETURN, 0, 0, _ALLOW)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    program = ctypes.create_string_buffer(struct.pack("@HP", len(steps), ctypes.addressof(code)))
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    return _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.addressof(program)) == 0


def _prctl(option: int, *arguments: int) -> int:
    prctl = ctypes.CDLL(None).prctl
    prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4
    return int(prctl(option, *arguments, *[0] * (4 - len(arguments))))

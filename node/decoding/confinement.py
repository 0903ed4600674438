"""Limits that a process puts on itself, never to be lifted, before it touches a stranger's bytes.

The kernel holds them, so they hold whatever the bytes make of the process:

* memory, processor time and time on the clock: what is over ends the process, or its request for memory;
* no file is written, no other process begun, and none of the node's files or sockets is open in it;
* on x86-64 and AArch64, a filter lets through only the system calls of computing and of the pipes that are open. There
  is no way to open a file or a socket, to start a program, or to see another process. Threads may begin, since a
  decoder of HEIC does nothing without one. Elsewhere there is no filter, and neither process nor thread begins.
"""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import signal
import struct

from node.decoding.asking import Limits

NICENESS = 10
_PR_SET_PDEATHSIG, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 22, 38
_SECCOMP_MODE_FILTER = 2
_LOAD, _AND, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x54, 0x15, 0x06
"""Instructions of the kernel's filters: BPF_LD|BPF_W|BPF_ABS, BPF_ALU|BPF_AND, BPF_JMP|BPF_JEQ, BPF_RET; all BPF_K."""
_ALLOWED, _REFUSED, _UNKNOWN, _KILLED = 0x7FFF0000, 0x00050001, 0x00050026, 0x80000000
"""What a filter returns: go on, EPERM, ENOSYS, or the end of the process."""
_NUMBER_AT, _ARCHITECTURE_AT, _FIRST_ARGUMENT_AT = 0, 4, 16
"""Where `struct seccomp_data` has them; of the argument, the lower half."""
_THREAD = 0x00010100
"""CLONE_THREAD and CLONE_VM: what begins is a thread of this process, and no process."""
_CLONE3 = 435
"""Its flags lie in memory, where a filter cannot look. Told that there is no such call, libraries use `clone`."""

# Of audit.h, then the number of clone, then those of read, write, close, mmap, mprotect, munmap, mremap, brk, madvise,
# futex, rt_sigreturn, sendto, recvfrom, exit, exit_group, getrandom, clock_gettime, gettimeofday, sched_yield,
# restart_syscall, and of what a thread begins with: set_robust_list, rseq, rt_sigprocmask, sched_getaffinity.
_X86_64 = "56 0 1 3 9 10 11 25 12 28 202 15 44 45 60 231 318 228 96 24 219 273 334 14 204"
_AARCH64 = "220 63 64 57 222 226 215 216 214 233 98 139 206 207 93 94 278 113 169 124 128 99 293 135 123"
CALLS = {"x86_64": (0xC000003E, _X86_64), "aarch64": (0xC00000B7, _AARCH64)}

_libc = ctypes.CDLL(None, use_errno=True)


class _Program(ctypes.Structure):
    """`struct sock_fprog`."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def end_with_parent() -> None:
    """Have the kernel kill this process when its parent ends, however that ends."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def step_back() -> None:
    """Leave processor and memory to others: this process is the one to wait, and the one to be killed for memory."""
    os.nice(NICENESS)
    try:
        with open("/proc/self/oom_score_adj", "w") as score:
            score.write("1000")
    except OSError:
        pass  # nothing but a preference, and not every container has the file


def confine(limits: Limits) -> None:
    """Put all limits on this process. OSError where the kernel does not take them: then touch nothing."""
    signal.setitimer(signal.ITIMER_REAL, limits.seconds)
    processor = (limits.processor_seconds, limits.processor_seconds + 1)
    calls = CALLS.get(platform.machine())
    memory = _memory_bytes() + limits.memory_bytes
    for limit, values in (
        (resource.RLIMIT_AS, (memory, memory)),
        (resource.RLIMIT_CPU, processor),
        (resource.RLIMIT_FSIZE, (0, 0)),
        (resource.RLIMIT_CORE, (0, 0)),
        *(() if calls else ((resource.RLIMIT_NPROC, (0, 0)),)),
        (resource.RLIMIT_NOFILE, (0, 0)),
    ):
        resource.setrlimit(limit, values)
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    if calls:
        program = _filter(*calls)
        _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(_Program(len(program) // 8, program)))


def _memory_bytes() -> int:
    """Of address space that this process has: its libraries alone have more than a picture needs."""
    with open("/proc/self/statm") as sizes:
        return int(sizes.read().split()[0]) * resource.getpagesize()


def _filter(architecture: int, calls: str) -> bytes:
    """Instructions that let the allowed system calls of one architecture and new threads through, and no others."""

    def instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
        return struct.pack("=HBBI", code, if_true, if_false, value)

    clone, *allowed = map(int, calls.split())
    count = len(allowed)
    return b"".join(
        (
            instruction(_LOAD, _ARCHITECTURE_AT),
            instruction(_JUMP_IF_EQUAL, architecture, 1),
            instruction(_RETURN, _KILLED),
            instruction(_LOAD, _NUMBER_AT),
            *(instruction(_JUMP_IF_EQUAL, number, count - at + 6) for at, number in enumerate(allowed)),
            instruction(_JUMP_IF_EQUAL, _CLONE3, 4),
            instruction(_JUMP_IF_EQUAL, clone, 0, 4),
            instruction(_LOAD, _FIRST_ARGUMENT_AT),
            instruction(_AND, _THREAD),
            instruction(_JUMP_IF_EQUAL, _THREAD, 2, 1),
            instruction(_RETURN, _UNKNOWN),
            instruction(_RETURN, _REFUSED),
            instruction(_RETURN, _ALLOWED),
        )
    )


def _prctl(option: int, value: int, more: object = 0) -> None:
    if _libc.prctl(option, ctypes.c_ulong(value), more, 0, 0) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"prctl {option}: {os.strerror(error)}")

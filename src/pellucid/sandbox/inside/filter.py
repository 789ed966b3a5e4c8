"""Calls to the kernel that no gradient needs, refused by a filter (seccomp), for this process and all that it starts.

Refused is what reaches beyond the process where namespaces and Landlock do not: every socket, also those of virtual
machines (AF_VSOCK) and of the kernel itself (netlink); memory that is counted to no process (System V IPC, sockets'
buffers, message queues); keys, io_uring, bpf, other processes' memory.
Before it: nothing. After it: `launch` calls `refuse` last.
"""

import ctypes
import platform
import struct
import sys

# Each call's number on x86-64 and on 64-bit ARM; None where it does not exist
ALWAYS = {
    "socket": (41, 198), "socketpair": (53, 199), "io_uring_setup": (425, 425),
    "shmget": (29, 194), "semget": (64, 190), "msgget": (68, 186), "mq_open": (240, 180),
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282),
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "pidfd_getfd": (438, 438),
}  # fmt: skip
# Landlock leaves these open; a root of its own, which is read-only, does not
ATTRIBUTES = {
    "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452),
    "chown": (92, None), "fchown": (93, 55), "lchown": (94, None), "fchownat": (260, 54),
    "utime": (132, None), "utimes": (235, None), "futimesat": (261, None), "utimensat": (280, 88),
    "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7), "setxattrat": (463, 463),
    "removexattr": (197, 14), "lremovexattr": (198, 15), "fremovexattr": (199, 16), "removexattrat": (466, 466),
    "file_setattr": (469, 469),
}  # fmt: skip
MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # column above; how the kernel calls it
X32 = 0x40000000  # numbers from here on are another way into the same calls
LOAD, EQUAL, AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06
ALLOW, EACCES, REFUSE = 0x7FFF0000, 13, 0x00050000
PR_SET_SECCOMP, FILTER = 22, 2


def program(machine, attributes):
    """The filter, eight bytes for each of its steps.

    Args:
        machine: "x86_64" or "aarch64".
        attributes: whether files' permissions, owners and times are refused too.

    Raises:
        OSError: another processor, whose numbers are not known.

    Example:
        >>> len(program("x86_64", False)) // 8
        41
    """
    if machine not in MACHINES:
        raise OSError(0, f"the numbers of the calls on {machine} are not known")
    column, architecture = MACHINES[machine]
    no = (RETURN, 0, 0, REFUSE | EACCES)
    steps = [(LOAD, 0, 0, 4), (EQUAL, 1, 0, architecture), no, (LOAD, 0, 0, 0)]
    steps += [(AT_LEAST, 0, 1, X32), no]
    for numbers in (*ALWAYS.values(), *(ATTRIBUTES.values() if attributes else ())):
        if numbers[column] is not None:
            steps += [(EQUAL, 0, 1, numbers[column]), no]
    steps += [(RETURN, 0, 0, ALLOW)]
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


def refuse(prctl, attributes):
    """Refuse the calls from here on; `prctl` must have been told that no new privileges are wanted.

    Raises:
        OSError: this system has no such filter.
    """
    if sys.maxsize < 2**32:
        raise OSError(0, "the numbers of the calls are known for 64 bits only")
    steps = program(platform.machine(), attributes)
    held = ctypes.create_string_buffer(steps, len(steps))
    described = struct.pack("@HP", len(steps) // 8, ctypes.addressof(held))
    prctl(PR_SET_SECCOMP, FILTER, ctypes.create_string_buffer(described, len(described)))

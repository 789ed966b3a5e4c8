"""The calls to the Linux kernel for which Python has no function, by ctypes.

Before it: nothing. After it: `launch` calls these in their order.
"""

import ctypes
import os
import struct

NEWNS, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET = 0x20000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000
MS_NOSUID, MS_NODEV, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 4096, 16384, 1 << 18
AT_FDCWD, AT_RECURSIVE, MNT_DETACH = -100, 0x8000, 2
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 4, 24, 36, 38
MOUNT_SETATTR, LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT = 442, 444, 445, 446  # the same on every machine

# Landlock's rights to files, and from which version of its interface each group exists
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1, 2, 4, 8
READ = EXECUTE | READ_FILE | READ_DIR
FILE_RIGHTS = {1: (1 << 13) - 1, 2: 1 << 13, 3: 1 << 14, 5: 1 << 15}
OF_ONE_FILE = EXECUTE | WRITE_FILE | READ_FILE | 1 << 14 | 1 << 15  # the others are a folder's
TCP = 3  # bind and connect, from version 4
SCOPES = 3  # abstract sockets and signals, from version 6

_libc = None


def libc():
    """The C library."""
    global _libc
    if _libc is None:
        _libc = ctypes.CDLL(None, use_errno=True)
    return _libc


def checked(result, what):
    """The result of a call, or an OSError that says which call failed."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def prctl(option, value, more=None):
    """Set a property of this process."""
    checked(libc().prctl(option, ctypes.c_ulong(value), more, None, None), "prctl")


def unshare(flags, what):
    """Enter new namespaces."""
    checked(libc().unshare(flags), f"unshare ({what})")


def mount(source, target, kind, flags, data=None):
    """Mount; None and strings as mount(2) has them."""
    encoded = [None if text is None else os.fsencode(text) for text in (source, target, kind, data)]
    result = libc().mount(encoded[0], encoded[1], encoded[2], ctypes.c_ulong(flags), encoded[3])
    checked(result, f"mount {target}")


def make_read_only(root):
    """Everything mounted under `root` becomes read-only, in one step (Linux 5.12)."""
    attributes = struct.pack("=QQQQ", 1 | 2, 0, 0, 0)  # read-only, no set-user-id
    call = (ctypes.c_long(MOUNT_SETATTR), AT_FDCWD, os.fsencode(root), AT_RECURSIVE, attributes)
    checked(libc().syscall(*call, ctypes.c_size_t(len(attributes))), "mount_setattr")


def enter(root):
    """`root` becomes the root of all files, and the old one is gone."""
    os.chdir(root)
    checked(libc().pivot_root(b".", b"."), "pivot_root")
    checked(libc().umount2(b".", MNT_DETACH), "umount")
    os.chdir("/")


def landlock_version():
    """The version of Landlock's interface; 0 without Landlock."""
    return max(0, libc().syscall(ctypes.c_long(LANDLOCK_CREATE), None, ctypes.c_size_t(0), 1))


def bound_capabilities():
    """No program that is started from here on gets a right of root's; needs such a right itself, else does nothing."""
    for number in range(64):
        libc().prctl(PR_CAPBSET_DROP, ctypes.c_ulong(number), None, None, None)


def drop_capabilities():
    """Give up every right that root has beyond its files."""
    header, none = struct.pack("=Ii", 0x20080522, 0), bytes(24)  # version 3; effective, permitted, inheritable
    checked(libc().capset(header, none), "capset")


def landlock(listable, readable, writable):
    """From here on this process and its children may read and write beneath these paths only, and use no TCP.

    Args:
        listable: folders whose names may be read, theirs and those beneath.
        readable: files and folders that may be read.
        writable: likewise, written too.

    Returns:
        The version of Landlock.

    Raises:
        OSError: there is no Landlock here.
    """
    version = checked(libc().syscall(ctypes.c_long(LANDLOCK_CREATE), None, ctypes.c_size_t(0), 1), "Landlock")
    rights = sum(group for since, group in FILE_RIGHTS.items() if version >= since)
    attributes = struct.pack("=QQQ", rights, TCP if version >= 4 else 0, SCOPES if version >= 6 else 0)
    attributes = attributes[: 24 if version >= 6 else 16 if version >= 4 else 8]
    call = (ctypes.c_long(LANDLOCK_CREATE), attributes, ctypes.c_size_t(len(attributes)), 0)
    rules = checked(libc().syscall(*call), "Landlock")
    for paths, allowed in ((listable, READ_DIR), (readable, READ), (writable, rights)):
        for path in paths:
            try:
                at = os.open(path, os.O_PATH | os.O_CLOEXEC)
            except OSError:
                continue  # not here: then nobody reads it either
            here = allowed & rights if os.path.isdir(path) else allowed & rights & OF_ONE_FILE
            if here:
                rule = struct.pack("=Qi", here, at)
                checked(libc().syscall(ctypes.c_long(LANDLOCK_ADD), rules, 1, rule, 0), f"Landlock rule for {path}")
            os.close(at)
    checked(libc().syscall(ctypes.c_long(LANDLOCK_RESTRICT), rules, 0), "Landlock")
    os.close(rules)
    return version

"""Which kind of file system a path is on: LMDB and kernel locks need a local one."""

from __future__ import annotations

import os
import sys

NETWORK = {
    0x6969: "NFS",
    0x517B: "SMB",
    0xFF534D42: "CIFS",
    0xFE534D42: "SMB",
    0x5346414F: "AFS",
    0x6B414653: "AFS",
    0x73757245: "Coda",
    0x00C36400: "Ceph",
    0x01021997: "9p",
    0x47504653: "GPFS",
    0x0BD00BD0: "Lustre",
    0x19830326: "BeeGFS",
    0xAAD7AAEA: "PanFS",
    0x786F4256: "a VirtualBox share",
    0x7461636F: "OCFS2",
    0x01161970: "GFS2",
}
"""File systems shared between machines, by the magic number `statfs` gives."""

PRECISE = {
    0xEF53: "ext4",
    0x58465342: "xfs",
    0x9123683E: "btrfs",
    0x01021994: "tmpfs",
    0x2FC12FC1: "zfs",
    0xF2F52010: "f2fs",
    0x794C7630: "overlay",
    0xCA451A4E: "bcachefs",
}
"""Local file systems whose times are exact to a clock tick."""

_FUSE = 0x65735546
_REMOTE_FUSE = ("sshfs", "s3fs", "rclone", "gcsfuse", "glusterfs", "davfs", "blobfuse", "juicefs")


def network_kind(path: str) -> str | None:
    """The name of the network file system a path is on; None if it is local, as far as can be told."""
    if sys.platform != "linux" or os.major(os.stat(path).st_dev) != 0:
        return None  # a device with a major number is a disk of this machine
    return kind_of(magic_number(path), path)


def kind_of(magic: int, path: str) -> str | None:
    """The name of a network file system by its magic number; FUSE is told apart by its mount."""
    if magic == _FUSE:
        kind = _mounted_kind(path)
        return kind if any(name in kind for name in _REMOTE_FUSE) else None
    return NETWORK.get(magic)


def magic_number(path: str) -> int:
    """What `statfs` says a file system is; 0 where it cannot be asked."""
    if sys.platform != "linux":
        return 0
    import ctypes  # 7 ms, and only for what is not on a plain disk

    answer = (ctypes.c_long * 32)()  # struct statfs starts with f_type and is shorter than this
    if ctypes.CDLL(None).statfs(os.fsencode(path), ctypes.byref(answer)) != 0:
        return 0
    return int(answer[0]) & 0xFFFFFFFF


def _mounted_kind(path: str) -> str:
    device = os.stat(path).st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as mounts:
        for line in mounts:
            before, _, after = line.partition(" - ")
            if before.split()[2] == wanted:
                return after.split()[0]
    return ""

"""Starts one command, waits for it, and says what it cost, as one line of JSON.

Run by `measure.py` as a bare Python of its own. A new process inherits the peak memory of the one it was
started from, so that one has to be small: import nothing here that is not needed.

    launch.py DESCRIPTOR COMMAND [ARGUMENT…]
"""

import _signal  # type: ignore[import-not-found]  # what `signal` is made of, without its enums
import os
import sys
import time


def main(answer: int, command: "list[str]") -> None:
    """Runs the command in this directory and environment; its output goes where ours goes."""
    os.set_inheritable(answer, False)
    # Whoever gives up on a command asks the whole group to end; we stay to reap it. A handler, since what is
    # ignored would be ignored by the command too.
    _signal.signal(_signal.SIGTERM, lambda *_: None)
    began = time.perf_counter()
    pid = os.posix_spawn(command[0], command, os.environ)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    wall = time.perf_counter() - began
    own = own_seconds(pid)  # only now: it has ended, but has not been reaped
    _, status, used = os.wait4(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    row = (code, wall, used.ru_utime + used.ru_stime, own, used.ru_maxrss)
    os.write(answer, b"[%d, %.6f, %.6f, %.6f, %d]\n" % row)


def own_seconds(pid: int) -> float:
    """CPU of the ended process itself, without its children; in steps of 10 ms. -1 where there is no /proc."""
    try:
        with open("/proc/%d/stat" % pid, "rb") as file:  # noqa: UP031  # any Python
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return -1.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])

"""What the tour takes of a machine like Binder's: peak memory and time, under bounds like those of `ulimit`.

    python binder/measure.py [--memory GIB] [--cores N] [--lang en]

The tour runs from its first cell to its last without a browser, all its widgets alive in one kernel: on so many cores,
with the settings of `start`. All its processes together get no more memory than that, by a control group, as in a
container; who may not make one (it takes root) bounds what each process maps for itself (RLIMIT_DATA), used or not.
Linux only.
"""

from __future__ import annotations

import argparse
import os
import resource
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

START = Path(__file__).with_name("start")  # the threads and the memory of its libraries, as on Binder


def family(pid: int) -> list[int]:
    """A process and all that it started."""
    members = [pid]
    for member in members:
        for children in Path(f"/proc/{member}/task").glob("*/children"):
            try:
                members += map(int, children.read_text().split())
            except OSError:
                continue  # it has just ended
    return members


def resident(pid: int) -> int:
    """Bytes that a process holds; what it shares with others is split among them."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def control_group(memory: int) -> Path | None:
    """A control group of so many bytes and no swap, of version 1 or 2; None where none can be made."""
    for home, limit, swap in (
        ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", {"memory.memsw.limit_in_bytes": memory}),
        ("/sys/fs/cgroup", "memory.max", {"memory.swap.max": 0}),
    ):
        group = Path(home, f"nnviz-{os.getpid()}")
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            for name, value in {limit: memory, **swap}.items():
                if name == limit or (group / name).exists():  # where there is no swap, there is nothing to bound
                    with (group / name).open("r+") as file:  # in a folder that is none of the kernel's it is not there
                        file.write(str(value))
        except OSError:
            group.rmdir()
            continue
        return group
    return None


def remove(group: Path) -> None:
    """End whatever is left in a control group, as after a lack of memory, and take it away."""
    for _ in range(100):
        for pid in (group / "cgroup.procs").read_text().split():
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        try:
            return group.rmdir()
        except OSError:
            time.sleep(0.1)  # it is not empty before they are gone
    raise RuntimeError(f"{group} has processes that do not end")


def measure(command: list[str], memory: int, cores: int, group: Path | None) -> tuple[int, float, int, int]:
    """Exit status, seconds, and peak bytes of the largest process and of all together."""

    def bounds() -> None:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
        if group is None:
            resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
        else:
            (group / "cgroup.procs").write_text(str(os.getpid()))

    begun, largest, together = time.monotonic(), 0, 0
    running = subprocess.Popen(["bash", str(START), *command], preexec_fn=bounds)
    while running.poll() is None:
        each = [resident(pid) for pid in family(running.pid)]
        largest, together = max(largest, *each), max(together, sum(each))
        time.sleep(0.2)
    return running.returncode, time.monotonic() - begun, largest, together


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--memory", type=float, default=2.0, help="GiB that the tour may have")
    parser.add_argument("--cores", type=int, default=1)
    parser.add_argument("--lang", default="en")
    given = parser.parse_args()
    command = [sys.executable, "-m", "nnviz_widgets", "tour", "--check", "--lang", given.lang]
    memory = int(given.memory * 2**30)
    group = control_group(memory)
    try:
        status, seconds, largest, together = measure(command, memory, given.cores, group)
    finally:
        if group is not None:
            remove(group)
    bound = "mapped by each process" if group is None else "for all"
    print(
        f"exit {status}: {seconds:.0f} s on {given.cores} core(s); peak {largest / 2**30:.2f} GiB in one process, "
        f"{together / 2**30:.2f} GiB in all (bound: {given.memory:g} GiB {bound})"
    )
    return status


if __name__ == "__main__":
    sys.exit(main())

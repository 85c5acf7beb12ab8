"""Where a Chromium or Chrome is, or how one can be had."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--disable-component-update",
    "--disable-background-networking",
    "--no-first-run",
)
ANSWER = 20  # seconds for a browser to say its version
INSTALL = 120  # seconds for each way of installing one
MISSING = (
    "browser tests need a Chromium or Chrome, and none could be found or installed; "
    "install one, or name it in NNVIZ_BROWSER"
)


def run_quietly(command: Sequence[str], seconds: float) -> bool:
    """Whether a command ends well within so many seconds."""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=seconds
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def playwright_path() -> str | None:
    """Where Playwright keeps a Chromium of its own, whether it is there or not."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        return playwright.chromium.executable_path


def is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


@dataclass(frozen=True)
class Machine:
    """What the search asks of the machine; a test gives another."""

    env: Mapping[str, str] = field(default_factory=lambda: os.environ)
    which: Callable[[str], str | None] = shutil.which
    exists: Callable[[str], bool] = lambda path: Path(path).is_file()
    own: Callable[[], str | None] = playwright_path
    run: Callable[[Sequence[str], float], bool] = run_quietly
    root: Callable[[], bool] = is_root

    def starts(self, path: str | None) -> bool:
        """Whether a browser is there and has all that it needs; a distribution's stub, say, has not."""
        return bool(path) and self.exists(str(path)) and self.run([str(path), "--version"], ANSWER)


def find_chromium(machine: Machine | None = None) -> str | None:
    """The path of a browser that starts, installed if need be; None where none can be had."""
    machine = machine or Machine()
    named = machine.env.get("NNVIZ_BROWSER")
    if named:
        return named if machine.starts(named) else None
    if (found := _installed(machine)) or (found := _owned(machine)):
        return found
    if machine.run([sys.executable, "-m", "playwright", "install", "chromium"], INSTALL) and (found := _owned(machine)):
        return found
    apt = machine.which("apt-get")
    if apt and machine.root() and machine.run([apt, "install", "-y", "-q", "chromium"], INSTALL):
        return _installed(machine)
    return None


def must_be_there(env: Mapping[str, str]) -> bool:
    """Whether a missing browser is a failure: in continuous integration, where nobody would notice a skip."""
    return env.get("CI", "").lower() in ("1", "true")


def _installed(machine: Machine) -> str | None:
    paths = (machine.which(name) for name in NAMES)
    return next((path for path in paths if path and machine.starts(path)), None)


def _owned(machine: Machine) -> str | None:
    path = machine.own()
    return path if machine.starts(path) else None

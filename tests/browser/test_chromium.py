"""Finding a browser, on machines that are made up."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.browser.chromium import INSTALL, Machine, find_chromium, must_be_there, run_quietly

OWN = "/cache/chrome"


class Fake:
    """A machine with files, whose installers add some."""

    def __init__(
        self, files: Sequence[str] = (), *, broken: Sequence[str] = (), installers: Sequence[str] = ()
    ) -> None:
        self.files = set(files)
        self.broken = set(broken)
        self.installers = installers
        self.ran: list[tuple[str, ...]] = []

    def machine(self, *, root: bool = False, **env: str) -> Machine:
        return Machine(env, self.which, self.files.__contains__, lambda: OWN, self.run, lambda: root)

    def which(self, name: str) -> str | None:
        return next((path for path in sorted(self.files) if path.endswith(f"/{name}")), None)

    def run(self, command: Sequence[str], seconds: float) -> bool:
        assert seconds <= INSTALL
        self.ran.append(tuple(command))
        if "--version" in command:
            return command[0] not in self.broken
        tool = "playwright" if "playwright" in command else "apt"
        if tool not in self.installers:
            return False
        self.files.add(OWN if tool == "playwright" else "/usr/bin/chromium")
        return True

    @property
    def installed_with(self) -> list[str]:
        return ["playwright" if "playwright" in command else "apt" for command in self.ran if "install" in command]


def test_one_on_the_path_is_taken_before_any_other() -> None:
    fake = Fake(["/usr/bin/google-chrome", "/usr/bin/chromium", OWN])
    assert find_chromium(fake.machine()) == "/usr/bin/chromium"
    assert fake.installed_with == []


def test_the_named_one_is_taken_or_none() -> None:
    fake = Fake(["/opt/chrome", "/usr/bin/chromium"], installers=["playwright"])
    assert find_chromium(fake.machine(NNVIZ_BROWSER="/opt/chrome")) == "/opt/chrome"
    assert find_chromium(fake.machine(NNVIZ_BROWSER="/opt/other")) is None
    assert fake.installed_with == []


def test_a_stub_that_does_not_start_is_passed_over() -> None:
    fake = Fake(["/usr/bin/chromium-browser", "/usr/bin/google-chrome"], broken=["/usr/bin/chromium-browser"])
    assert find_chromium(fake.machine()) == "/usr/bin/google-chrome"


def test_playwrights_own_is_taken_when_it_is_there() -> None:
    fake = Fake([OWN], installers=["playwright", "apt"])
    assert find_chromium(fake.machine(root=True)) == OWN
    assert fake.installed_with == []


def test_playwright_installs_one() -> None:
    fake = Fake(["/usr/bin/apt-get"], installers=["playwright", "apt"])
    assert find_chromium(fake.machine(root=True)) == OWN
    assert fake.installed_with == ["playwright"]


def test_root_installs_one_from_the_system() -> None:
    fake = Fake(["/usr/bin/apt-get"], installers=["apt"])
    assert find_chromium(fake.machine(root=True)) == "/usr/bin/chromium"
    assert fake.installed_with == ["playwright", "apt"]


def test_playwrights_own_without_its_libraries_leaves_the_system() -> None:
    fake = Fake(["/usr/bin/apt-get"], broken=[OWN], installers=["playwright", "apt"])
    assert find_chromium(fake.machine(root=True)) == "/usr/bin/chromium"


@pytest.mark.parametrize(("files", "root"), [(["/usr/bin/apt-get"], False), ([], True)])
def test_nobody_else_touches_the_system(files: list[str], root: bool) -> None:
    fake = Fake(files, installers=["apt"])
    assert find_chromium(fake.machine(root=root)) is None
    assert fake.installed_with == ["playwright"]


@pytest.mark.parametrize(("value", "must"), [("true", True), ("1", True), ("", False), ("false", False)])
def test_a_missing_browser_is_a_failure_in_continuous_integration(value: str, must: bool) -> None:
    assert must_be_there({"CI": value}) is must
    assert not must_be_there({})


def test_a_command_that_hangs_or_is_not_there_is_given_up() -> None:
    assert run_quietly(["sh", "-c", "exit 0"], 5)
    assert not run_quietly(["sh", "-c", "exit 3"], 5)
    assert not run_quietly(["sh", "-c", "sleep 30"], 0.1)
    assert not run_quietly(["/no/such/command"], 5)

"""What Binder installs, held against what the package asks for."""

import os
import re
import runpy
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
ENVIRONMENT = yaml.safe_load((ROOT / "binder" / "environment.yml").read_text())
CONDA_NAMES = {"torch": "pytorch-cpu", "matplotlib": "matplotlib-base"}
OURS = ("..[lab]", "-e ..[lab]")  # relative to the folder of environment.yml


def conda():
    names = (re.match(r"([\w.-]+?)\s*([<>=!~].*)?$", line) for line in ENVIRONMENT["dependencies"] if line != pip())
    return {found[1]: found[2] or "" for found in names}


def pip():
    return next(line for line in ENVIRONMENT["dependencies"] if isinstance(line, dict))


def from_pip():
    asked = [Requirement(line) for line in pip()["pip"] if line not in OURS]
    return {canonicalize_name(requirement.name): str(requirement.specifier) for requirement in asked}


@pytest.mark.parametrize("line", [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["lab"]])
def test_every_dependency_is_there_in_the_same_versions(line):
    wanted = Requirement(line)
    name = canonicalize_name(wanted.name)
    given = {**from_pip(), **conda()}
    name = CONDA_NAMES.get(name, name)
    assert name in given
    assert SpecifierSet(given[name]) == wanted.specifier


def test_nothing_is_there_that_the_package_does_not_ask_for():
    asked = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["lab"]]
    names = {CONDA_NAMES.get(name, name) for name in (canonicalize_name(Requirement(line).name) for line in asked)}
    assert {*conda(), *from_pip()} - names == {"python", "pip"}


def test_the_package_itself_is_installed_from_the_clone():
    assert [line for line in pip()["pip"] if line in OURS]
    assert (ROOT / "binder" / ".." / "pyproject.toml").is_file()


def test_python_is_pinned_to_one_that_the_package_takes():
    pin = conda()["python"]
    assert re.fullmatch(r"=3\.\d+", pin)
    assert f"{pin[1:]}.0" in SpecifierSet(PROJECT["requires-python"])


def test_packages_come_from_conda_forge_alone():
    assert ENVIRONMENT["channels"] == ["conda-forge", "nodefaults"]


def test_post_build_is_executable_and_stops_at_the_first_failure():
    script = ROOT / "binder" / "postBuild"
    lines = script.read_text().splitlines()
    assert os.access(script, os.X_OK)
    assert lines[0].startswith("#!")
    commands = [line for line in lines if line and not line.startswith("#")]
    assert commands[0] == "set -e"
    assert "python -m nnviz_widgets tour --check" in commands
    assert not any("||" in command or "set +e" in command for command in commands)


def test_each_library_keeps_to_one_thread():
    script = ROOT / "binder" / "start"
    assert os.access(script, os.X_OK)
    lines = script.read_text().splitlines()
    assert lines[0] == "#!/bin/bash"
    assert lines[-1] == 'exec "$@"'
    exported = {word for line in lines if line.startswith("export ") for word in line.split()[1:]}
    assert {f"{name}_NUM_THREADS=1" for name in ("OMP", "MKL", "OPENBLAS", "NUMBA")} <= exported


@pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc and makes control groups")
@pytest.mark.parametrize(("mebibytes", "ends_well"), [(20, True), (1000, False)])
def test_what_is_measured_is_bounded(mebibytes, ends_well):
    """By a control group where one can be made, else by a limit of each process."""
    module = runpy.run_path(str(ROOT / "binder" / "measure.py"))
    command = [sys.executable, "-c", f"import time; taken = b'1' * ({mebibytes} << 20); time.sleep(1)"]
    group = module["control_group"](500 << 20)
    try:
        status, seconds, largest, together = module["measure"](command, 500 << 20, 1, group)
    finally:
        if group is not None:
            module["remove"](group)
    assert (status == 0) is ends_well
    if ends_well:
        assert seconds > 1
        assert together >= largest > 20 << 20

"""What is packaged is what is there."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import restore
from restore.config import dictionary_dir

ROOT = Path(__file__).parents[1]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def test_every_package_is_listed() -> None:
    source = ROOT / "src"
    found = {".".join(path.parent.relative_to(source).parts) for path in source.rglob("__init__.py")}
    assert set(SETTINGS["tool"]["setuptools"]["packages"]) == found | {"restore.dictionaries"}


def test_the_data_are_found() -> None:
    assert (dictionary_dir() / "english.lm").is_file()
    assert list(dictionary_dir().glob("*.tsv"))


def test_every_data_file_is_packed() -> None:
    patterns = SETTINGS["tool"]["setuptools"]["package-data"]["restore.dictionaries"]
    files = [path for path in (ROOT / "dictionaries").iterdir() if path.is_file() and path.name[0] != "."]
    assert not [path.name for path in files if not any(path.match(pattern) for pattern in patterns)]


def test_the_package_is_typed() -> None:
    assert (Path(restore.__file__).parent / "py.typed").is_file()


HEAVY = "rich", "numpy", "wordfreq", "rapidfuzz", "multiprocessing"
LIGHT = f"import sys, restore.cli; sys.exit(bool(set({HEAVY}) & set(sys.modules)))"


def test_the_command_line_imports_nothing_heavy() -> None:
    subprocess.run([sys.executable, "-c", LIGHT], check=True, timeout=30, env={"PYTHONPATH": str(ROOT / "src")})


def test_every_file_of_the_package_is_packed() -> None:
    """Templates and schemas too: what is no code must be named."""
    patterns = SETTINGS["tool"]["setuptools"]["package-data"]
    source = ROOT / "src" / "restore"
    others = [
        p for p in source.rglob("*") if p.is_file() and p.suffix not in (".py", ".pyi", ".pyc", ".c", ".h", ".so", ".pyd")
    ]
    wanted = {
        path
        for package, names in patterns.items()
        if package != "restore.dictionaries"
        for name in names
        for path in (ROOT / "src" / Path(*package.split("."))).glob(name)
    }
    assert set(others) <= wanted


def test_every_header_of_the_kernel_goes_into_the_source_archive() -> None:
    (kernel,) = SETTINGS["tool"]["setuptools"]["ext-modules"]
    headers = {path.relative_to(ROOT).as_posix() for path in (ROOT / "src").rglob("*.h")}
    assert set(kernel["depends"]) == headers

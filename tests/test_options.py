"""Every option is exercised by some test, and those of ``restore`` itself stand in README.md; completion in each shell."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from restore.cli.group import COMMANDS, cli
from restore.cli.restore import restore

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def leaves(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    """A command, or those of a group, by what is typed to call them."""
    if isinstance(command, click.Group):
        for sub, one in command.commands.items():
            yield from leaves(one, f"{name} {sub}")
    else:
        yield name, command


def options() -> Iterator[tuple[str, click.Option]]:
    context = click.Context(cli)
    commands = [("restore", restore), *((f"restore {name}", cli.get_command(context, name)) for name in COMMANDS)]
    for name, command in commands:
        assert command is not None
        for path, leaf in leaves(command, name):
            yield from ((path, param) for param in leaf.params if isinstance(param, click.Option))


def words(path: Path) -> Iterator[str]:
    """All texts in a test, cut at white space and before equals signs."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from (word.partition("=")[0] for word in node.value.split())


USED = {word for path in (ROOT / "tests").glob("test_*.py") if path != Path(__file__) for word in words(path)}


@pytest.mark.parametrize(("command", "option"), list(options()), ids=[f"{c} {o.opts[-1]}" for c, o in options()])
def test_every_option_is_exercised_by_a_test(command: str, option: click.Option) -> None:
    assert USED & set(option.opts), f"no test calls {command} with {' or '.join(option.opts)}"


@pytest.mark.parametrize("option", [o for name, o in options() if name == "restore"], ids=lambda o: o.opts[-1])
def test_every_option_of_restore_is_documented(option: click.Option) -> None:
    assert all(f"{name}" in README for name in option.opts)


@pytest.mark.parametrize("command", ["restore", *(f"restore {name}" for name in ("apply", "undo", "config"))])
def test_commands_are_documented(command: str) -> None:
    assert command in README


HELPED = [*dict(options()), *(f"restore {name}" for name in ("config", "dictionary", "model"))]


@pytest.mark.parametrize("command", HELPED)
@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_of_every_command(command: str, flag: str) -> None:
    from restore.cli import execute

    assert execute([*command.split()[1:], flag]) == 0


def complete(**environment: str) -> str:
    code = "from restore.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_can_be_installed(shell: str) -> None:
    assert f"_RESTORE_COMPLETE={shell}_complete" in complete(_RESTORE_COMPLETE=f"{shell}_source")
    assert f"_RESTORE_COMPLETE={shell}_source" in README


@pytest.mark.parametrize(
    ("typed", "found"),
    [("restore --che", "--check"), ("restore und", "undo"), ("restore config s", "show"), ("restore --color n", "never")],
)
def test_completion_completes(typed: str, found: str) -> None:
    position = str(len(typed.split()) - 1)
    assert f"plain,{found}" in complete(_RESTORE_COMPLETE="bash_complete", COMP_WORDS=typed, COMP_CWORD=position).split()

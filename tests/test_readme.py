"""What README.md says of the command line is so."""

from __future__ import annotations

import re
from pathlib import Path

import click

from restore.cli.group import COMMANDS, cli
from restore.cli.restore import restore

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")


def options(command: click.Command) -> set[str]:
    found = {name for p in command.params if isinstance(p, click.Option) for name in p.opts}
    if isinstance(command, click.Group):
        found.update(*(options(sub) for sub in command.commands.values()))
    return found


def test_every_option_it_names_exists() -> None:
    context = click.Context(cli)
    known = options(restore).union(*(options(c) for name in COMMANDS if (c := cli.get_command(context, name))))
    named = set(re.findall(r"(?<![\\w-])--[a-z][a-z-]+", README)) - {"--help"}
    assert named <= known


def test_every_command_it_calls_exists() -> None:
    called = re.findall(r"^restore ([a-z]+)(?: |$)", README, re.MULTILINE)
    assert set(called) <= set(COMMANDS)


def test_every_option_has_help() -> None:
    context = click.Context(cli)
    for name in (restore.name, *COMMANDS):
        command = cli.get_command(context, str(name))
        commands = command.commands.values() if isinstance(command, click.Group) else [command]
        for one in commands:
            assert one is not None and one.get_short_help_str()
            assert all(p.help for p in one.params if isinstance(p, click.Option))

"""``restore PATH...`` and ``restore COMMAND ...`` under one name."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Any

import click

from . import streams
from .restore import restore

COMMANDS: tuple[str, ...] = ("apply", "config", "corpus", "detect", "dictionary", "evaluate", "learn", "model", "undo")
"""Each is a module of this package whose ``command`` is the click command of that name."""


class Main(click.Group):
    """A group that takes everything but the name of a command for paths and options of ``restore`` itself.

    Its own help is that of ``restore``, with the commands below.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of the commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one command; modules import what is heavy only when they run."""
        if cmd_name == restore.name:
            return restore
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f".{cmd_name}", __package__).command
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the name of the default command before anything that is not a command."""
        if not args or args[0] not in COMMANDS:
            args = [str(restore.name), *args]
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; click would take a reader that left for success or failure by version."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            return streams.reader_left()


cli = Main(name="restore", add_help_option=False, no_args_is_help=False)


def command_rows(ctx: click.Context) -> Iterable[tuple[str, str]]:
    """Name and first line of help of every command."""
    for name in cli.list_commands(ctx):
        command = cli.get_command(ctx, name)
        if command is not None and not command.hidden:
            yield name, command.get_short_help_str(limit=120)

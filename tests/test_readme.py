"""What README.md says of the command line is so."""

from __future__ import annotations

import doctest
import io
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from readme import PATH, ROOT, commands, run
from restore.cli.group import COMMANDS, cli
from restore.cli.restore import restore
from shipped import SEED

README = PATH.read_text("utf-8")


def options(command: click.Command) -> set[str]:
    found = {name for p in command.params if isinstance(p, click.Option) for name in (*p.opts, *p.secondary_opts)}
    if isinstance(command, click.Group):
        found.update(*(options(sub) for sub in command.commands.values()))
    return found


def test_every_option_it_names_exists() -> None:
    context = click.Context(cli)
    known = options(restore).union(*(options(c) for name in COMMANDS if (c := cli.get_command(context, name))))
    named = set(re.findall(r"(?<![\\w-])--[a-z][a-z-]+", README)) - {"--help", "--no-deps"}  # the latter is pip's
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


# -- examples ----------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash to run the examples with")
@pytest.mark.parametrize(("command", "output"), commands(), ids=[command for command, _ in commands()])
def test_examples_are_real(command: str, output: str) -> None:
    """If the program is right, ``python tests/readme.py`` writes them anew."""
    assert run(command) == output


@pytest.mark.skipif(shutil.which("git") is None, reason="no git")
def test_the_hook_stops_a_commit(tmp_path: Path) -> None:
    pytest.importorskip("pre_commit", reason="needs pre-commit")
    (hook,) = re.findall(r"```yaml\n(repos:.*?)```", README, re.DOTALL)
    (tmp_path / ".pre-commit-config.yaml").write_text(hook)
    (tmp_path / "spun.txt").write_text(SEED)
    (tmp_path / "spun.py").write_text(SEED)
    program = tmp_path / "bin" / "restore"
    program.parent.mkdir()
    program.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(ROOT / 'src')!r})\nfrom restore.cli import main\nmain()\n"
    )
    program.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
        "PRE_COMMIT_HOME": str(tmp_path / "home"),
    }

    def do(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)

    assert do("git", "init", "-q").returncode == 0
    assert do("git", "add", "spun.txt", "spun.py", ".pre-commit-config.yaml").returncode == 0
    found = do(sys.executable, "-m", "pre_commit", "run")
    assert found.returncode == 1 and "restore" in found.stdout and "+++ b/spun.txt" in found.stdout
    assert "spun.py" not in found.stdout
    (tmp_path / "spun.txt").write_text("Nobody spun this.\n")
    assert do("git", "add", "spun.txt").returncode == 0
    assert do(sys.executable, "-m", "pre_commit", "run").returncode == 0


def test_there_are_examples_and_the_help() -> None:
    assert [command for command, _ in commands()][-1] == "restore --help" and len(commands()) >= 3


def test_python_examples_run() -> None:
    examples = doctest.DocTestParser().get_doctest(README, {}, "README.md", "README.md", 0)
    assert len(examples.examples) >= 5
    report = io.StringIO()
    found = doctest.DocTestRunner().run(examples, out=report.write)
    assert found.failed == 0, report.getvalue()


@pytest.mark.parametrize("path", re.findall(r"\]\((?!https?:)([^)#]+)", README))
def test_links_lead_somewhere(path: str) -> None:
    assert (ROOT / path).exists()


def test_the_default_threshold_is_what_was_fitted() -> None:
    threshold = json.loads((ROOT / "dictionaries" / "calibration.json").read_text("utf-8"))["threshold"]
    said = f"{threshold:.2f}".lstrip("0")
    assert f"at least {said} sure are made" in README
    for command in (restore, cli.get_command(click.Context(cli), "evaluate")):
        assert command is not None
        assert any(f"as fitted, {said}" in (getattr(option, "help", "") or "") for option in command.params)

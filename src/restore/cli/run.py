"""Running the default command: inputs to jobs, outcomes to stdout, files, reports and summaries."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from .. import batch, files
from ..config import Config
from ..errors import RestoreError
from . import output, reports, streams


class Options(NamedTuple):
    """What was asked for, beside the engine's settings."""

    paths: tuple[str, ...]
    output: str | None
    in_place: bool
    backup: str
    dry_run: bool
    force: bool
    form: str | None
    explain: bool
    check: bool
    report: Path | None
    jobs: int
    color: str
    quiet: bool
    verbose: bool


def run(options: Options, config: Config) -> int:
    """Restore everything asked for; gives the exit code."""
    begin = time.monotonic()
    jobs = _jobs(options)
    workers = batch.workers_for(len(jobs), options.jobs)
    report = batch.BatchReport(check=options.check)
    with contextlib.ExitStack() as stack:
        collect = _reports(options, len(jobs), stack)
        write = stack.enter_context(_writer(options))
        deliver = _deliverer(options, len(jobs), collect)
        outcomes = batch.run(jobs, config, workers)  # before the progress bar, which is a thread
        advance = stack.enter_context(_progress(options, len(jobs)))
        for outcome in map(write, outcomes):
            report.add(outcome)
            deliver(outcome, time.monotonic() - begin)
            advance(1)
    if len(jobs) != 1 and _talks(options):
        _totals(report, time.monotonic() - begin)
    return report.exit_code


def _jobs(options: Options) -> list[batch.Job]:
    target = _target(options)
    sources = files.discover(options.paths or (files.STDIN,), Path(target) if target else None)
    if not sources:
        raise RestoreError(f"no text files in {', '.join(options.paths)}; other files are restored when named one by one")
    if sources[0].path is None and streams.is_terminal(sys.stdin) and not options.quiet:
        streams.say("restore: reading the terminal; end the text with Ctrl-D, or see 'restore --help'")
    if options.in_place:
        sources = _inputs_in_place(sources)
    if target is None:
        return [batch.Job(source) for source in sources]
    places = files.plan(sources, target, files.is_folder(target, options.paths))
    if options.dry_run:
        return [batch.Job(source) for source in sources]
    return [batch.Job(source, place, options.force) for source, place in zip(sources, places, strict=True)]


def _inputs_in_place(sources: list[files.Source]) -> list[files.Source]:
    from ..inplace import distinct

    if any(source.path is None for source in sources):
        raise RestoreError("standard input cannot be rewritten in place; name files, or leave out -i")
    return distinct(sources)


@contextlib.contextmanager
def _writer(options: Options) -> Iterator[Callable[[batch.Outcome], batch.Outcome]]:
    """With ``-i``, what rewrites the input of an outcome; workers write what ``-o`` asks for."""
    if not options.in_place or options.dry_run:
        yield lambda outcome: outcome
        return
    from ..inplace import InPlace
    from ..journal import Journal
    from .user import journal

    with Journal(journal()) as log:
        yield InPlace(log, options.backup, options.force).write


def _target(options: Options) -> str | None:
    return None if options.output == files.STDIN else options.output


def _deliverer(options: Options, documents: int, collect: Sequence[reports.Add]) -> Callable[[batch.Outcome, float], None]:
    """What happens to each outcome: shown, reported, summed up, complained about."""
    show = _show(options, documents)

    def deliver(outcome: batch.Outcome, seconds: float) -> None:
        for add in collect:
            add(outcome)
        if show is not None:
            show(outcome)
        if options.explain and outcome.restoration is not None:
            output.explain(outcome.restoration, _form(options), options.color)
        if outcome.error is not None:
            streams.say(f"restore: {outcome.source.name}: {outcome.error}")
        elif options.verbose or (documents == 1 and _talks(options)) or options.check or options.dry_run:
            _sum_up(outcome, seconds, options)

    return deliver


def _form(options: Options) -> str | None:
    """To stdout goes what was asked for; by default nothing if there is ``-o``, ``-i`` or ``--check``."""
    if options.form is not None:
        return options.form
    if _target(options) is not None or options.in_place or options.check:
        return None
    return "rich" if streams.is_terminal(sys.stdout) else "text"


def _show(options: Options, documents: int) -> output.Show | None:
    form = _form(options)
    return None if form is None or form in reports.WHOLE else output.shower(form, options.color, titled=documents > 1)


def _sum_up(outcome: batch.Outcome, seconds: float, options: Options) -> None:
    from ..render.plain import summary

    result = outcome.restoration
    if result is None or options.quiet:
        return
    if not (options.check or options.dry_run) or options.verbose or result.applied:
        streams.say(summary(result, outcome.source.name, seconds))


def _totals(report: batch.BatchReport, seconds: float) -> None:
    from ..render.plain import totals

    r = report
    streams.say(totals(r.documents, r.changed, r.failed, r.words, r.changes, r.declined, seconds))


def _talks(options: Options) -> bool:
    """Whether anything but errors goes to stderr."""
    return not options.quiet and (options.verbose or streams.is_terminal(sys.stderr))


def _reports(options: Options, documents: int, stack: contextlib.ExitStack) -> list[reports.Add]:
    """What takes every outcome and is complete when the last one is there."""
    collect = []
    if options.report is not None:
        collect.append(stack.enter_context(reports.to_file(options.report, options.force, documents)))
    if options.form in reports.WHOLE:
        collect.append(stack.enter_context(reports.to_stdout(options.form, documents)))
    return collect


@contextlib.contextmanager
def _progress(options: Options, documents: int) -> Iterator[Callable[[int], None]]:
    """A bar on stderr for many files, unless stdout fills the same terminal."""
    crowded = _show(options, documents) is not None and streams.is_terminal(sys.stdout)
    if documents < 2 or options.quiet or crowded or not streams.is_terminal(sys.stderr):
        yield lambda _: None
        return
    from ..render.progress import counting

    with counting(streams.console(sys.stderr, options.color), documents, "restoring") as advance:
        yield advance

"""Running the default command: inputs to jobs, outcomes to stdout, files, reports and summaries."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, groupby
from pathlib import Path
from typing import NamedTuple

from .. import batch, files
from ..config import Config
from ..errors import RestoreError
from . import output, reports, shared, streams, targets


class Options(NamedTuple):
    """What was asked for, beside the engine's settings."""

    paths: tuple[str, ...]
    output: str | None = None
    in_place: bool = False
    backup: str = ""
    dry_run: bool = False
    force: bool = False
    form: str | None = None
    explain: bool = False
    review: bool = False
    check: bool = False
    report: Path | None = None
    stdin_filename: str | None = None
    jobs: int = 0
    color: str = "auto"
    quiet: bool = False
    verbose: bool = False


Configs = Callable[[Path | None], Config]
"""The engine's settings for a file."""


def run(options: Options, configs: Configs, make: batch.Maker | None = None) -> int:
    """Restore everything asked for, by what ``make`` makes or the engine; gives the exit code."""
    begin = time.monotonic()
    jobs = _jobs(options)
    report = batch.BatchReport(check=options.check)
    with contextlib.ExitStack() as stack:
        collect = _reports(options, len(jobs), stack)
        write = stack.enter_context(_steps(options, jobs))
        deliver = _deliverer(options, len(jobs), collect)
        todo = [dataclasses.replace(job, target=None) for job in jobs] if options.review else jobs
        make = make or stack.enter_context(shared.maker(len(jobs), "restoring", options.quiet, options.color))
        outcomes = _restore(todo, configs, options.jobs, make)  # before the progress bar, which is a thread
        advance = stack.enter_context(_progress(options, len(jobs)))
        for outcome in map(write, outcomes):
            report.add(outcome)
            deliver(outcome, time.monotonic() - begin)
            advance(1)
    if len(jobs) != 1 and _talks(options):
        _totals(report, time.monotonic() - begin)
    return report.exit_code


def _restore(jobs: Sequence[batch.Job], configs: Configs, workers: int, make: batch.Maker) -> Iterator[batch.Outcome]:
    """The outcomes of all jobs in their order; neighbours with the same settings are done together."""
    groups = [(config, list(held)) for config, held in groupby(jobs, lambda job: configs(job.source.named))]
    runs = (batch.run(held, config, batch.workers_for(len(held), workers), make) for config, held in groups)
    first = next(runs)  # now: a damaged dictionary is to be known before anything is written
    return chain(first, chain.from_iterable(runs))


def _jobs(options: Options) -> list[batch.Job]:
    target = _target(options)
    sources = files.discover(options.paths or (files.STDIN,), Path(target) if target else None)
    if options.stdin_filename is not None:
        name = Path(options.stdin_filename)
        sources = [source if source.path is not None else files.Source(None, Path(name.name), name) for source in sources]
    if not sources:
        raise RestoreError(f"no text files in {', '.join(options.paths)}; other files are restored when named one by one")
    if sources[0].path is None and streams.is_terminal(sys.stdin) and not options.quiet:
        streams.say("restore: reading the terminal; end the text with Ctrl-D, or see 'restore --help'")
    if options.in_place:
        sources = targets.inputs_in_place(sources)
    if target is None:
        return [batch.Job(source) for source in sources]
    places = files.plan(sources, target, files.is_folder(target, options.paths))
    if options.dry_run:
        return [batch.Job(source) for source in sources]
    return [batch.Job(source, place, options.force) for source, place in zip(sources, places, strict=True)]


@contextlib.contextmanager
def _steps(options: Options, jobs: Sequence[batch.Job]) -> Iterator[targets.Step]:
    """What is done to each outcome before it is reported: with ``--review`` it is asked about, with ``-i`` written."""
    with contextlib.ExitStack() as stack:
        steps: list[targets.Step] = []
        review = stack.enter_context(targets.reviewer(jobs, options.in_place, options.color)) if options.review else None
        if review is not None:
            steps.append(review)
        if options.in_place and not options.dry_run:
            steps.append(stack.enter_context(targets.in_place(options.backup, options.force)))
        elif review is not None:
            places = {job.source: job.target for job in jobs if job.target is not None}
            steps.append(targets.into_files(places, options.force))
        if review is not None:
            steps.append(review.finish)
        yield lambda outcome: functools.reduce(lambda found, step: step(found), steps, outcome)


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
        elif options.verbose or (documents == 1 and _talks(options) and not options.review) or options.check or options.dry_run:
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
    if documents < 2 or options.quiet or options.review or crowded or not streams.is_terminal(sys.stderr):
        yield lambda _: None
        return
    from ..render.progress import counting

    with counting(streams.console(sys.stderr, options.color), documents, "restoring") as advance:
        yield advance

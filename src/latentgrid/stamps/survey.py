"""Compares all results with what the workflow would make, before Snakemake looks at them.

Snakemake judges files by their dates, as make does. So each call first compares every result's
stamp with the plan. Then it sets dates: a result that fits gets no earlier date than its inputs,
and one that does not fit a date in 1970. So Snakemake makes exactly those results again that do not
fit, also in a copy, a clone, at another commit, or when its own records are lost.
"""

import contextlib
import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from snakemake.io import apply_wildcards, is_flagged

from latentgrid.errors import UserError
from latentgrid.files.layout import Layout
from latentgrid.stamps.code import Code
from latentgrid.stamps.made import DAMAGED, NO_RESULT, UNSTAMPED, Digests, Product, Recipe, misfit

DATA, TRAIN = "data", "train"
DIGITS = 12  # of a module's digest that are kept
MAX_LINES = 20
LONG_AGO = 1.0  # seconds since 1970, the date of results that do not fit
DATED = "source"  # the name of an input of which only the date counts: a source file
STACK = "stack"  # the name of an input that the same things decide as the job's own product


@dataclass(frozen=True)
class Job:
    """A job that the workflow can run.

    Attributes:
        name: its parameter `job`.
        rule: the rule's name.
        product: the files that it makes, with what decides them.
        outputs: all files that it makes, also those without a stamp.
        code: the code that it runs.
        dated: inputs of which only the date counts.
    """

    name: str
    rule: str
    product: Product
    outputs: list[Path]
    code: Code
    dated: list[Path]


@dataclass(frozen=True)
class Finding:
    """What was found about the results of a job.

    Attributes:
        job: the job.
        reason: why its results do not fit the plan; empty if they do.
    """

    job: Job
    reason: str

    @property
    def exists(self) -> bool:
        """Whether there is a result, fitting or not."""
        return self.reason != NO_RESULT


def jobs(
    rules: Iterable[Any],
    layout: Layout,
    codes: Mapping[str, Code],
    values: Mapping[str, Iterable[str]],
) -> list[Job]:
    """Return the jobs of all rules that make results.

    Args:
        rules: Snakemake's rules; those with a digest of code among their parameters are used.
        layout: of the data set.
        codes: the code of each digest.
        values: for each rule with a wildcard, by its name, the values of the wildcard.
    """
    found = []
    for rule in rules:
        if "code" in dict(rule.params.items()):
            found += [_job(rule, layout, codes, at) for at in _places(rule, values)]
    return found


def survey(found: Iterable[Job], digests: Digests) -> list[Finding]:
    """Compare the results of each job with what it would make now.

    If the data are to be made by other code or settings, no run fits, as the new data are not known
    yet.
    """
    findings = [Finding(job, misfit(job.product, digests)) for job in found]
    data = next((f.reason for f in findings if f.job.rule == DATA), "")
    if data in ("", NO_RESULT, DAMAGED, UNSTAMPED):
        return findings
    return [
        replace(f, reason=f"data: {data}") if f.job.rule == TRAIN and not f.reason else f
        for f in findings
    ]


def relocate(product: Product, folder: Path, other: Path) -> Product:
    """Return the same product with its files in another folder."""
    outputs = tuple(other / path.relative_to(folder) for path in product.outputs)
    others = tuple(other / path.relative_to(folder) for path in product.others)
    return replace(product, outputs=outputs, others=others)


def needed(found: Iterable[Job], targets: Iterable[Path]) -> set[str]:
    """Return the names of the jobs that make the targets, and of the jobs that these depend on."""
    makers = {path: job for job in found for path in job.outputs}
    wanted, names = list(targets), set[str]()
    while wanted:
        job = makers.get(wanted.pop())
        if job and job.name not in names:
            names.add(job.name)
            wanted += job.product.inputs
    return names


def set_dates(findings: Iterable[Finding]) -> None:
    """Set the dates of results so that Snakemake makes again those that do not fit.

    Raises:
        UserError: the date of a result that does not fit cannot be set; Snakemake would keep it.
    """
    findings = list(findings)
    makers = {path: finding for finding in findings for path in finding.job.outputs}
    stale = {path for finding in findings if finding.reason for path in finding.job.outputs}
    done: set[Path] = set()

    def look(finding: Finding) -> None:
        for path in finding.job.product.inputs:
            if path in makers and path not in done:
                done.add(path)
                look(makers[path])
        if not finding.reason:
            _date(finding.job.outputs, max(map(_time, _read_by(finding)), default=0.0))

    for path in {path for finding in findings for path in _read_by(finding)} - stale:
        if 0.0 < _time(path) <= LONG_AGO:  # files unpacked from an archive without dates
            _date([path], LONG_AGO + 1)
    for finding in findings:
        look(finding)
    for path in filter(Path.exists, stale):
        try:
            os.utime(path, (LONG_AGO, LONG_AGO))
        except OSError as error:
            raise UserError(
                f"{path}: does not fit the plan, and its date cannot be set ({error.strerror}); "
                f"chown the files of the results to yourself, or delete this one"
            ) from None


def _read_by(finding: Finding) -> tuple[Path, ...]:
    return *finding.job.product.inputs, *finding.job.dated


def _date(paths: Iterable[Path], least: float) -> None:
    """Give files this date if theirs are earlier."""
    for path in paths:
        with contextlib.suppress(OSError):  # then Snakemake makes it again, which costs only time
            if path.stat().st_mtime < least:
                os.utime(path, (least, least))


def _time(path: Path) -> float:
    """Return a file's date, LONG_AGO at the earliest; 0 if there is no such file."""
    try:
        return max(path.stat().st_mtime, LONG_AGO)
    except OSError:
        return 0.0


def _places(rule: Any, values: Mapping[str, Iterable[str]]) -> Iterator[dict[str, str]]:
    """Yield each value of a rule's wildcard by its name; a rule has one wildcard at most."""
    if not rule.has_wildcards():
        yield {}
    for name in rule.wildcard_names or ():
        yield from ({name: value} for value in values[rule.name])


def _job(rule: Any, layout: Layout, codes: Mapping[str, Code], at: dict[str, str]) -> Job:
    outputs = [Path(apply_wildcards(str(path), at)) for path in rule.output]
    params = {name: _value(value, at) for name, value in rule.params.items()}
    code = codes[params.pop("code")]
    name = params.pop("job")
    modules = {module: digest[:DIGITS] for module, digest in code.modules.items()}
    if rule.name != TRAIN:  # a training gets nothing but its settings
        params["command"] = hashlib.sha256(rule.shellcmd.encode()).hexdigest()[:DIGITS]
    recipe = Recipe(params, code.digest, modules)
    inputs = {name: _paths(_value(value, at), at) for name, value in rule.input.items()}
    dated = inputs.pop(DATED, [])
    inputs.pop(STACK, None)
    stamped = _stamped(layout, rule, outputs)
    others = tuple(path for path in outputs if stamped and path not in stamped)
    product = Product(stamped, _deciding(layout, inputs), recipe, others)
    return Job(name, rule.name, product, outputs, code, dated)


def _deciding(layout: Layout, inputs: Mapping[str, list[Path]]) -> tuple[Path, ...]:
    """Return the inputs that decide a result; the description of the images stands for these."""
    every = (path for paths in inputs.values() for path in paths)
    return tuple(path for path in every if path != layout.images)


def _stamped(layout: Layout, rule: Any, outputs: list[Path]) -> tuple[Path, ...]:
    """Return the outputs that get a stamp.

    A training stamps its outcome alone, which has the digests of its other files. A folder gets no
    stamp, nor what is deleted once it was used: they are made again whenever they are asked for.
    """
    if any(path.is_directory or is_flagged(path, "temp") for path in rule.output):
        return ()
    outcomes = [path for path in outputs if path.name == layout.run("").outcome.name]
    return tuple(outcomes or outputs)


def _value(value: Any, at: Mapping[str, str]) -> Any:
    return value(Wildcards(**at)) if callable(value) else value


class Wildcards:
    """The values of a job's wildcards, as attributes."""

    def __init__(self, **values: str) -> None:
        self.__dict__.update(values)


def _paths(value: Any, at: Mapping[str, str]) -> list[Path]:
    files = [value] if isinstance(value, str) else list(value)
    return [Path(apply_wildcards(str(file), at)) for file in files]


def sentences(findings: Iterable[Finding], every_run: bool) -> Iterator[str]:
    """Yield sentences that say which results do not fit, and why.

    Args:
        findings: of all jobs.
        every_run: whether to name each run that would be trained, also one without any result.
    """
    findings = [finding for finding in findings if finding.reason and finding.job.product.outputs]
    runs = [finding for finding in findings if finding.job.rule == TRAIN]
    if every_run:
        named = [f"{_run_of(finding)}: {finding.reason}" for finding in runs]
        yield from (f"to train: {line}" for line in named[:MAX_LINES])
        if len(named) > MAX_LINES:
            yield f"to train: {len(named) - MAX_LINES} more runs"
    else:
        yield from _counted("to train again", "run", [f for f in runs if f.exists])
    later = [f for f in findings if f.job.rule != TRAIN and f.exists]
    yield from _counted("to make again", "result", later)


def as_data(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Return findings as plain data."""
    return [
        {
            "job": finding.job.name,
            "rule": finding.job.rule,
            "files": list(map(str, finding.job.product.outputs)),
            "reason": finding.reason,
        }
        for finding in findings
        if finding.job.product.outputs
    ]


def _counted(what: str, kind: str, findings: Iterable[Finding]) -> Iterator[str]:
    """Yield a sentence for each reason with its number of results, the most frequent first."""
    reasons = Counter(finding.reason for finding in findings)
    for reason, count in reasons.most_common(MAX_LINES):
        yield f"{what}: {count} {kind}{'' if count == 1 else 's'} ({reason})"


def _run_of(finding: Finding) -> str:
    return finding.job.name.partition(":")[2]

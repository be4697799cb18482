"""What lies in the results compared with what the workflow would make, before Snakemake looks.

Snakemake judges files by their dates, as make does. So each call first compares every result's
stamp with the plan, and then sets the dates: of what fits, no earlier than what it was made from;
of what does not fit, at the beginning of time. Copies, clones, other commits and lost records of
Snakemake's then make nothing again that fits, and keep nothing that does not.
"""

import contextlib
import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from snakemake.io import apply_wildcards

from latentgrid.errors import UserError
from latentgrid.files.layout import Layout
from latentgrid.stamps.code import Code
from latentgrid.stamps.made import DAMAGED, NO_RESULT, UNSTAMPED, Digests, Product, Recipe, misfit

DATA, TRAIN = "data", "train"
DIGITS = 12  # of a module's digest
MAX_LINES = 20
LONG_AGO = 1.0  # seconds after 1970
DATED = "source"  # an input that is there for its date, and a part of the code


@dataclass(frozen=True)
class Job:
    """A job that the workflow can run.

    Attributes:
        name: its parameter `job`.
        rule: the rule's name.
        product: what it makes, and of what.
        outputs: all files it makes, those too that carry no stamp.
        code: what it runs.
        dated: inputs that are there for their dates alone.
    """

    name: str
    rule: str
    product: Product
    outputs: list[Path]
    code: Code
    dated: list[Path]


@dataclass(frozen=True)
class Finding:
    """A product of a job as it lies there.

    Attributes:
        job: the job.
        reason: why its product does not fit the plan; empty if it does.
    """

    job: Job
    reason: str

    @property
    def exists(self) -> bool:
        """Whether there is a result at all."""
        return self.reason != NO_RESULT


def jobs(
    rules: Iterable[Any],
    layout: Layout,
    codes: Mapping[str, Code],
    values: Mapping[str, Iterable[str]],
) -> list[Job]:
    """Return the jobs of all rules that make results.

    Args:
        rules: Snakemake's; those that name a digest of code among their parameters are read.
        layout: of the data set.
        codes: the code behind each digest.
        values: of the wildcard of each rule that has one, by the rule's name.
    """
    found = []
    for rule in rules:
        if "code" in dict(rule.params.items()):
            found += [_job(rule, layout, codes, at) for at in _places(rule, values)]
    return found


def survey(found: Iterable[Job], digests: Digests) -> list[Finding]:
    """Compare each product of the jobs with what lies there.

    Runs do not fit if the data are to be made by other means: what these are is not known yet.
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
    """Return a product as if its files lay in another folder."""
    outputs = tuple(other / path.relative_to(folder) for path in product.outputs)
    others = tuple(other / path.relative_to(folder) for path in product.others)
    return replace(product, outputs=outputs, others=others)


def needed(found: Iterable[Job], targets: Iterable[Path]) -> set[str]:
    """Return the names of the jobs without which there would be no targets."""
    makers = {path: job for job in found for path in job.outputs}
    wanted, names = list(targets), set[str]()
    while wanted:
        job = makers.get(wanted.pop())
        if job and job.name not in names:
            names.add(job.name)
            wanted += job.product.inputs
    return names


def set_dates(findings: Iterable[Finding]) -> None:
    """Let Snakemake see by the dates of files which of them fit. Files of others are left alone.

    Raises:
        UserError: a date cannot be set, so that Snakemake would take what does not fit for good.
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
        if 0.0 < _time(path) <= LONG_AGO:  # as archives without dates unpack
            _date([path], LONG_AGO + 1)
    for finding in findings:
        look(finding)
    for path in filter(Path.exists, stale):
        try:
            os.utime(path, (LONG_AGO, LONG_AGO))
        except OSError as error:
            raise UserError(
                f"{path}: does not fit the plan, and its date cannot be set ({error.strerror}); "
                f"own the files of the results, or delete this one"
            ) from None


def _read_by(finding: Finding) -> tuple[Path, ...]:
    return *finding.job.product.inputs, *finding.job.dated


def _date(paths: Iterable[Path], least: float) -> None:
    """Give files this date if theirs is earlier."""
    for path in paths:
        with contextlib.suppress(OSError):  # then Snakemake makes it again, which is right too
            if path.stat().st_mtime < least:
                os.utime(path, (least, least))


def _time(path: Path) -> float:
    """Return a file's date, at least the beginning of time; 0 if there is no such file."""
    try:
        return max(path.stat().st_mtime, LONG_AGO)
    except OSError:
        return 0.0


def _places(rule: Any, values: Mapping[str, Iterable[str]]) -> Iterator[dict[str, str]]:
    """Yield the values of a rule's wildcard, of which it has one at most."""
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
    if rule.name != TRAIN:  # which is told no more than its settings
        params["command"] = hashlib.sha256(rule.shellcmd.encode()).hexdigest()[:DIGITS]
    recipe = Recipe(params, code.digest, modules)
    inputs = {name: _paths(_value(value, at), at) for name, value in rule.input.items()}
    dated = inputs.pop(DATED, [])
    stamped = _stamped(layout, rule, outputs)
    others = tuple(path for path in outputs if stamped and path not in stamped)
    product = Product(stamped, _deciding(layout, inputs), recipe, others)
    return Job(name, rule.name, product, outputs, code, dated)


def _deciding(layout: Layout, inputs: Mapping[str, list[Path]]) -> tuple[Path, ...]:
    """Return the inputs that decide a result: for the images stands their description."""
    every = (path for paths in inputs.values() for path in paths)
    return tuple(path for path in every if path != layout.images)


def _stamped(layout: Layout, rule: Any, outputs: list[Path]) -> tuple[Path, ...]:
    """Return the outputs that carry a stamp.

    Of a training that is the outcome, which has digests of all its files. A folder has none: it is
    made again whenever it is asked for.
    """
    if any(path.is_directory for path in rule.output):
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
    """Say what lies there and does not fit, and why.

    Args:
        findings: of all products.
        every_run: whether to name each run that would be trained, those too that never were.
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
    """Say of how many results there is each reason, the most frequent first."""
    reasons = Counter(finding.reason for finding in findings)
    for reason, count in reasons.most_common(MAX_LINES):
        yield f"{what}: {count} {kind}{'' if count == 1 else 's'} ({reason})"


def _run_of(finding: Finding) -> str:
    return finding.job.name.partition(":")[2]

"""The `latentgrid` command: what a user does beside running the workflow."""

import os
import shutil
import sys
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text
from typer.core import TyperCommand

from latentgrid.api.plugins import use_plugins
from latentgrid.errors import UserError, plain_errors, print_on_any_terminal, printable
from latentgrid.extras import named_extras
from latentgrid.files.layout import Layout, made_data_sets
from latentgrid.grid import datasets, own_results, reading, schema
from latentgrid.grid.messages import shown
from latentgrid.grid.runs import planned_runs
from latentgrid.grid.study_folders import study_names
from latentgrid.grid.yaml_files import read_yaml
from latentgrid.provenance import require_own_code
from latentgrid.studies import reading as studies
from latentgrid.studies.sources import places

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)
DEFAULT = Path("params.yaml")
# Commands of other programs that ours start send nothing either.
NO_TELEMETRY = {"MLFLOW_DISABLE_TELEMETRY": "true", "DVC_NO_ANALYTICS": "true"}
UNLIMITED = 400  # columns, where no terminal sets a limit
CONFIGFILE = "--configfile"
ConfigFile = Annotated[
    list[Path] | None,
    typer.Option(CONFIGFILE, help="file to read instead of params.yaml", show_default=False),
]


class Configured(TyperCommand):
    """A command that reads params.yaml or the files of `--configfile`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments; a file that stands there by itself is refused with what to write."""
        for before, word in pairwise(["", *args]):
            if before != CONFIGFILE and word.endswith((".yaml", ".yml")) and word[0] != "-":
                raise UserError(f"{word}: write {CONFIGFILE} {word}")
        return super().parse_args(ctx, args)


def _datasets() -> list[str]:
    """Return the names of all data sets, and of those that have results."""
    return sorted({*datasets.names(), *made_data_sets()})


def _require_known(dataset: str | None) -> str | None:
    use_plugins()
    if dataset is not None and dataset not in _datasets():
        allowed = ", ".join(_datasets())
        raise UserError(f"--dataset: found {shown(dataset)}; allowed: {allowed}")
    return dataset


def _results(dataset: str | None) -> Layout:
    """Return the results of a data set, or where none is named, those that are meant."""
    from latentgrid.commands.watch import meant

    use_plugins()
    return Layout(dataset) if dataset else meant(lambda: _params(None).dataset)


Dataset = Annotated[
    str | None,
    typer.Option(
        "--dataset",
        help="data set instead of that of params.yaml",
        callback=_require_known,
        autocompletion=_datasets,
    ),
]

RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="its folder, …/seed=…")]
ImagesToUse = Annotated[
    Path | None,
    typer.Option(
        "--images",
        help="a folder of pictures, a picture, or an .npz file with an array images; else the "
        "test images of the run's data set",
        show_default=False,
    ),
]
First = Annotated[
    int | None, typer.Option("-n", min=1, help="how many of them; else all", show_default=False)
]
Force = Annotated[bool, typer.Option("--force", help="replace what stands there")]


def main() -> None:
    """Run the command; a user's mistake ends it with one line."""
    print_on_any_terminal()
    os.environ.update(NO_TELEMETRY)
    with plain_errors(), named_extras():
        require_own_code()
        app()


def _print_version(asked: bool) -> None:
    if asked:
        print(version("latentgrid"))
        raise typer.Exit


@app.callback()
def _of_all_commands(
    _: Annotated[
        bool,
        typer.Option(
            "--version",
            help="print the version and exit",
            callback=_print_version,
            is_eager=True,
        ),
    ] = False,
) -> None:
    pass


@app.command(cls=Configured)
def plan(
    configfile: ConfigFile = None,
    by_open_verdicts: Annotated[
        bool,
        typer.Option(
            "--open", help="only missing runs, by how many open verdicts each closes an hour"
        ),
    ] = False,
) -> None:
    """List the runs of a configuration with their folders and what they will cost."""
    from latentgrid.commands.open_verdicts import show_open
    from latentgrid.commands.plan import show_plan
    from latentgrid.jobs.devices import slow_bfloat16
    from latentgrid.training.estimate import estimate

    chosen = _params(configfile)
    of_studies = studies.chosen(chosen.studies)
    runs = planned_runs(chosen)
    layout = Layout(chosen.dataset)
    own_results.require_own_results(chosen.source, layout)
    console = Console(width=None if sys.stdout.isatty() else UNLIMITED)
    left = [run for run in runs if not layout.run(run.name).outcome.exists()]
    if warning := slow_bfloat16([run.precision for run in left], chosen.training.device):
        print(warning, file=sys.stderr)
    print("timing the networks…", file=sys.stderr)
    costs = estimate(runs, chosen.source, chosen.training.device)
    if by_open_verdicts:
        seconds = {run.name: cost.seconds for run, cost in zip(runs, costs.runs, strict=True)}
        show_open(console, layout, of_studies, runs, seconds)
    else:
        show_plan(console, chosen, runs, costs, layout)


@app.command(cls=Configured)
def models(configfile: ConfigFile = None) -> None:
    """List the models with their hyperparameters: what may stand below `models:` in params.yaml."""
    from latentgrid.commands.models import show_models

    _read_plugins(configfile)
    described = places("model", studies.chosen("all"))
    show_models(Console(width=None if sys.stdout.isatty() else UNLIMITED), described)


@app.command(cls=Configured)
def figures(configfile: ConfigFile = None) -> None:
    """List the figures with what they need: what may stand below `figures:` in params.yaml."""
    from latentgrid.commands.figures import show_figures

    _read_plugins(configfile)
    console = Console(width=None if sys.stdout.isatty() else UNLIMITED)
    show_figures(console, studies.chosen("all"))


@app.command()
def check_plugin(
    files: Annotated[list[Path], typer.Argument(help="models, measures, figures or the like")],
) -> None:
    """Try files of your own on the contracts of their kinds; exit status 1 if a check fails."""
    from latentgrid.commands.check_plugin import check_plugin as holds

    _read_plugins(None)
    failed = [file for file in files if not holds(file)]
    if failed:
        raise typer.Exit(1)


@app.command()
def audit(
    studies: Annotated[
        list[str], typer.Argument(help="names, aliases or folders of studies; all for every study")
    ],
    csv: Annotated[
        Path | None, typer.Option("--csv", help="write the findings to this table, too")
    ] = None,
    page: Annotated[
        Path | None,
        typer.Option("--page", help="write where the studies disagree to this page, too"),
    ] = None,
) -> None:
    """Look for what is wrong in the numbers and texts of studies, without training anything."""
    from latentgrid.audit import table
    from latentgrid.audit.examine import examine
    from latentgrid.commands.audit import lines, write_page
    from latentgrid.studies.reading import chosen

    _require_file("--csv", csv)
    _require_file("--page", page)
    use_plugins()
    audited = {one.name: one for one in chosen(_or_all(studies))}
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else UNLIMITED
    found = {name: examine(study) for name, study in audited.items()}
    if csv:
        table.write(csv, found)
    if page:
        write_page(page, audited.values())
    for name, findings in found.items():
        for line in lines(audited[name], findings, width):
            print(printable(line))


@app.command()
def coverage(
    named: Annotated[
        list[str] | None,
        typer.Argument(metavar="STUDY...", help="names, aliases or folders; else all studies"),
    ] = None,
    page: Annotated[
        Path | None, typer.Option("--page", help="write all items to this page, too")
    ] = None,
) -> None:
    """Say what of the studies is here, by what, and what is not and why."""
    from latentgrid.commands import coverage as covered
    from latentgrid.files.atomic import write_text

    _require_file("--page", page)
    wanted = _or_all(named)
    reading.load_plugins([DEFAULT] if DEFAULT.exists() else [], wanted)
    found = covered.coverage(studies.chosen(wanted))
    if page:
        write_text(page, covered.as_page(page, found))
    covered.show(found, Console(width=None if sys.stdout.isatty() else UNLIMITED))


@app.command("studies")
def list_studies() -> None:
    """List the studies with what they hold: what may stand in `studies:` in params.yaml."""
    use_plugins()
    console = Console(width=None if sys.stdout.isatty() else UNLIMITED)
    for study in studies.chosen(_or_all(None)):
        also = f" ({', '.join(study.facts.aliases)})" if study.facts.aliases else ""
        console.print(Text.assemble((study.name, "bold"), f"{also}  {study.citation}"))
        claims = len(study.facts.claims) + len(list(study.folder.glob("claims/*.py")))
        records = len(list(study.records.rglob("*.json")))
        print(
            f"    {len(study.numbers)} numbers, {claims} claims, {records} records; on "
            f"{study.facts.dataset or 'no data set'}"
        )


@app.command("claims")
def list_claims(
    named: Annotated[
        list[str] | None,
        typer.Argument(metavar="STUDY...", help="names, aliases or folders; else all studies"),
    ] = None,
) -> None:
    """List what studies claim, where, and each claim's answer or what one would take."""
    from latentgrid.commands.claims import lines, missing_by_part
    from latentgrid.commands.verdicts import gathered

    wanted = _or_all(named)
    chosen = studies.chosen(wanted)
    missing = {study.name: missing_by_part(study, chosen) for study in chosen}
    reading.load_plugins([DEFAULT] if DEFAULT.exists() else [], wanted)
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else UNLIMITED
    evidence = gathered(study for study in chosen if study.is_judged)
    for study in chosen:
        for line in lines(study, evidence, missing[study.name], width):
            print(printable(line))
        print()


@app.command()
def verdicts(
    named: Annotated[
        list[str] | None,
        typer.Argument(metavar="STUDY...", help="names, aliases or folders; else all studies"),
    ] = None,
    csv: Annotated[
        Path | None, typer.Option("--csv", help="write the verdicts on numbers to this table, too")
    ] = None,
) -> None:
    """Judge studies by the records and results that there are, without training anything."""
    from latentgrid.commands.verdicts import show_all

    _require_file("--csv", csv)
    wanted = _or_all(named)
    reading.load_plugins([DEFAULT] if DEFAULT.exists() else [], wanted)
    show_all(
        studies.chosen(wanted),
        Console(width=None if sys.stdout.isatty() else UNLIMITED),
        csv,
    )


@app.command()
def sample(
    run: RunFolder,
    n: Annotated[int, typer.Option("-n", min=1, help="how many images")] = 64,
    seed: Annotated[int, typer.Option(min=0, help="of the draws")] = 0,
    out: Annotated[
        Path, typer.Option(help="a sheet, .png; an array, .npz; or a row of pixels each, .csv")
    ] = Path("samples.png"),
    force: Force = False,
) -> None:
    """Draw new images from a trained run."""
    from latentgrid.commands import use

    print(printable(use.sample(run, n, seed, out, force)))


@app.command()
def encode(
    run: RunFolder,
    images: ImagesToUse = None,
    first: First = None,
    out: Annotated[
        Path, typer.Option(help="arrays codes and names, .npz; or a row each, .csv")
    ] = Path("codes.npz"),
    force: Force = False,
) -> None:
    """Write the code that a trained run gives each image."""
    from latentgrid.commands import use

    print(printable(use.encode(run, images, first, out, force)))


@app.command()
def reconstruct(
    run: RunFolder,
    images: ImagesToUse = None,
    first: Annotated[int, typer.Option("-n", min=1, help="how many of them")] = 20,
    out: Annotated[
        Path, typer.Option(help="a sheet, each row above its reconstructions, .png; arrays, .npz")
    ] = Path("reconstructions.png"),
    force: Force = False,
) -> None:
    """Write images beside what a trained run makes of them."""
    from latentgrid.commands import use

    print(printable(use.reconstruct(run, images, first, out, force)))


@app.command()
def export(
    run: RunFolder,
    out: Annotated[Path, typer.Option(help="folder for the files")] = Path("onnx"),
    force: Force = False,
) -> None:
    """Write a trained run's encoder and decoder as ONNX, after a check that they agree."""
    from latentgrid.commands import use

    for line in use.export(run, out, force):
        print(printable(line))


@app.command()
def export_page(
    run: RunFolder,
    out: Annotated[
        Path | None,
        typer.Option(help="a file, .html; else its name is the run's", show_default=False),
    ] = None,
    force: Force = False,
) -> None:
    """Write a page that decodes a trained run's codes in any browser, offline: one file."""
    from latentgrid.commands import use

    print(printable(use.export_page(run, out, force)))


@app.command()
def watch(dataset: Dataset = None) -> None:
    """Show how far the runs are and how much time is left, until all are done or Ctrl-C.

    Of the data set whose workflow runs; else that of params.yaml; else the only one with results.
    """
    from latentgrid.commands.watch import watch as watch_runs

    watch_runs(_results(dataset))


@app.command()
def why(
    what: Annotated[
        str,
        typer.Argument(
            help="TABLE.csv:ROW, rows counted from 1 below the header; a table, a figure or the "
            "report; a run's name or folder, or a file in it"
        ),
    ],
) -> None:
    """Show which runs made a number, a figure or a file, and what these were made with."""
    from latentgrid.commands.why import origin, show

    use_plugins()
    show(origin(what), Console(width=None if sys.stdout.isatty() else UNLIMITED))


@app.command()
def compare(
    first: Annotated[
        Path, typer.Argument(help="a folder of results, or a project with data/ and results/")
    ],
    second: Annotated[Path, typer.Argument(help="another one of the same kind")],
    any_code: Annotated[
        bool, typer.Option("--any-code", help="let files name other code that made the same")
    ] = False,
) -> None:
    """Compare two folders byte by byte and say why files differ; exit status 1 if any does."""
    from latentgrid.commands.compare import but_for_code
    from latentgrid.commands.compare import compare as compare_folders

    found = compare_folders(first, second)
    if any_code:
        found = but_for_code(first, second, found)
    for name, reason in found.differences.items():
        print(printable(f"{name}: {reason}"))
    print(found.summary)
    if found.differences:
        raise typer.Exit(1)


@app.command(cls=Configured)
def doctor(configfile: ConfigFile = None) -> None:
    """Say what lies in results/, what of it fits the plan, and what is damaged; changes nothing."""
    from latentgrid.commands import doctor as doctors

    chosen = _params(configfile)
    runs = [run.name for run in planned_runs(chosen)]
    found = doctors.diagnose(Layout(chosen.dataset), list(map(str, configfile or [])), runs)
    doctors.show(found, Console(width=None if sys.stdout.isatty() else UNLIMITED))
    if found.damaged:
        raise typer.Exit(1)


@app.command()
def restore() -> None:
    """Bring data and results to the commit that git is on, from DVC's cache or its remote."""
    from latentgrid.commands.restore import restore as restore_results

    restore_results()


@app.command(cls=Configured)
def prune(configfile: ConfigFile = None) -> None:
    """Move runs that are no longer in the grid, finished or not, to results/<dataset>/aside.

    There snakemake finds them when the grid has them again. Pages of models and figures that are
    made no longer are deleted.
    """
    from latentgrid.commands.versioned import BY_DVC, require_versioned
    from latentgrid.files.aside import put_aside, remove_figures, remove_pages

    chosen = _params(configfile)
    if BY_DVC in os.environ:
        require_versioned(chosen, read_yaml(DEFAULT)["dataset"])
    layout = Layout(chosen.dataset)
    runs = planned_runs(chosen)
    moved = put_aside(layout, [run.name for run in runs])
    removed = remove_pages(layout, {run.model for run in runs})
    for path in [*removed, *remove_figures(layout, chosen.figures_to_draw())]:
        print(printable(f"removed {path}"))
    for folder, to in moved:
        said = f"removed {folder}, a link" if folder == to else f"{folder} → {to}"
        print(printable(said))
    print(f"{len(moved)} run folders were no longer in the grid")
    if any(folder != to for folder, to in moved):
        print(f"They come back with their settings; delete {layout.aside} for good if you like.")


@app.command()
def track(
    dataset: Dataset = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="keep tracking until the standard input ends")
    ] = False,
) -> None:
    """Bring MLflow up to date with the run files."""
    from latentgrid.tracking.follow import follow as follow_workflow
    from latentgrid.tracking.sync import sync

    layout = Layout(dataset or _params(None).dataset)
    if follow:
        follow_workflow(layout, sys.stdin)
    else:
        sync(layout)


@app.command()
def record(
    runs: Annotated[
        list[str], typer.Argument(help="folders of finished runs, or their names in results/")
    ],
    study: Annotated[
        str | None,
        typer.Option(help="study to record for; else the only one that the run can serve"),
    ] = None,
) -> None:
    """Write records of finished runs (settings and losses, no weights) into a study.

    Verdicts count them like runs.

    Exit status 1 if a run is refused; the others are recorded all the same.
    """
    from latentgrid.commands.record import record as record_run

    use_plugins()
    refused = False
    for run in runs:
        try:
            print(printable(record_run(run, study)), flush=True)
        except UserError as error:
            print(f"error: {printable(str(error))}", file=sys.stderr)
            refused = True
    if refused:
        raise typer.Exit(1)


@app.command()
def records(
    study: Annotated[str | None, typer.Argument(help="a study; else all of them")] = None,
) -> None:
    """List the records of studies; exit status 1 if one is edited, forged, foreign or twice."""
    from latentgrid.commands.records import listed

    use_plugins()
    console = Console(width=None if sys.stdout.isatty() else UNLIMITED)
    named = _or_all(None if study is None else [study])
    sound = [listed(studies.load(name), console) for name in named]
    if not all(sound):
        raise typer.Exit(1)


@app.command()
def verify(
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="RECORD...", help="files of records")
    ] = None,
    every: Annotated[
        str | None, typer.Option("--all", metavar="STUDY", help="all records of a study")
    ] = None,
    epochs: Annotated[int, typer.Option(min=1, help="how many first epochs to train again")] = 1,
    device: Annotated[
        str, typer.Option(help="cpu or cuda; auto for what the record was made on, if it is here")
    ] = "auto",
) -> None:
    """Train the first epochs of records again and compare; exit status 1 if a loss differs."""
    from latentgrid.commands import verify as verifying
    from latentgrid.studies.collection import read_records
    from latentgrid.studies.records import read_record

    use_plugins()
    if device not in verifying.DEVICES:
        allowed = ", ".join(verifying.DEVICES)
        raise UserError(f"--device: found {shown(device)}; allowed: {allowed}")
    found = [read_record(path) for path in paths or []]
    if every is not None:
        of_study = read_records(studies.load(every))
        if not of_study:
            raise UserError(f"--all: {shown(every)} has no records; latentgrid record writes some")
        found += of_study
    if not found:
        raise UserError("name records, files below studies/, or a study by --all")
    fits = []
    for one in found:
        finding = verifying.verify(one, epochs, device)
        print(printable(f"{one.path}: {finding.said}"), flush=True)
        fits.append(finding.fits)
    if not all(fits):
        raise typer.Exit(1)


@app.command()
def benchmarks(dataset: Dataset = None) -> None:
    """Say what the jobs cost: seconds, CPU seconds and memory, rule by rule.

    Of the data set whose workflow runs; else of that of params.yaml; else of the only one with
    results.
    """
    from latentgrid.commands.benchmarks import by_rule

    layout = _results(dataset)
    Console(width=None if sys.stdout.isatty() else UNLIMITED).print(by_rule(layout))
    print(f"Each job stands in {layout.benchmarks}.")


@app.command()
def register(dataset: Dataset = None) -> None:
    """Register the best run of each entry in MLflow's model registry, where it is not yet.

    Of the data set whose workflow runs; else of that of params.yaml; else of the only one with
    results.
    """
    from latentgrid.tracking.register import register as register_best

    for line in register_best(_results(dataset)):
        print(printable(line))


@app.command()
def ui(
    dataset: Dataset = None,
    port: Annotated[int, typer.Option(help="where the page is served")] = 5000,
) -> None:
    """Show all runs there are on MLflow's page, which listens on this machine only.

    It begins with the data set whose workflow runs; else that of params.yaml; else the only one
    with results.
    """
    from latentgrid.tracking.page import serve
    from latentgrid.tracking.server import DatabaseUnusable
    from latentgrid.tracking.sync import sync

    layout = _results(dataset)
    experiment = None
    try:
        experiment = sync(layout)
    except DatabaseUnusable:
        raise
    except UserError as error:
        print(f"warning: {error}", file=sys.stderr)
    serve(port, experiment)


@app.command("app")
def explore(
    dataset: Dataset = None,
    port: Annotated[int, typer.Option(help="where the page is served")] = 8000,
    host: Annotated[
        str, typer.Option(help="0.0.0.0 opens it to other machines; anybody there may look")
    ] = "127.0.0.1",
) -> None:
    """Explore the runs that there are in a web app: films, planes, new images, your own drawing.

    It begins with the data set whose workflow runs; else that of params.yaml; else the only one
    with results.
    """
    from latentgrid.app.serve import serve

    serve(_results(dataset).dataset, host, port)


def _params(configfile: list[Path] | None) -> schema.Params:
    return reading.load(configfile or [DEFAULT])


def _require_file(option: str, path: Path | None) -> None:
    if path and path.is_dir():
        raise UserError(f"{option}: found {shown(str(path))}, a folder; allowed: a file")


def _or_all(named: list[str] | None) -> list[str]:
    """Return the named studies; all there are if none or `all` is named.

    Raises:
        UserError: there are none.
    """
    if named and named != ["all"]:
        return named
    found = study_names()
    if not found:
        raise UserError(
            "studies: no folder there has a study.yaml; run this in the project's folder"
        )
    return found


def _read_plugins(configfile: list[Path] | None) -> None:
    """Choose a configuration's plugins; without a params.yaml there are none."""
    if configfile or DEFAULT.exists():
        reading.load_plugins(configfile or [DEFAULT])

# MLflow is a view of the files: while jobs run, a process beside them keeps it up to date, and at
# the end it is brought up to date once more. If its server is down, nothing here fails.
TRACK = f"{sys.executable} -m latentgrid track --dataset {PARAMS.dataset}"


onstart:
    subprocess.Popen(
        [*TRACK.split(), "--follow", str(os.getpid())],
        start_new_session=True,
        stdin=subprocess.DEVNULL,
    )


onsuccess:
    shell("{TRACK} || true")


onerror:
    shell("{TRACK} || true")
    if workflow.execution_settings.keep_going:
        report_what_there_is()


def report_what_there_is():
    """Call Snakemake again for the steps that gather, with the runs that did train."""
    if "LATENTGRID_ONLY_FINISHED" not in os.environ:
        subprocess.run(
            [sys.executable, "-m", "snakemake", *sys.argv[1:], "--nolock"],
            env={**os.environ, "LATENTGRID_ONLY_FINISHED": "1"},
            check=False,
        )

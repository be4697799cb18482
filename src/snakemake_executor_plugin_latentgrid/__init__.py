"""Sends the workflow's jobs to SLURM: `executor: latentgrid` in profiles/slurm.

How jobs are submitted, watched and cancelled is that of Snakemake's own plugin for SLURM. That one
would have each job start Snakemake twice more, which reads the whole grid each time, and name the
job to it by its wildcards, in which Snakemake 9.27 understands no comma. Here a job is the command
of its rule, as on one machine (`latentgrid.pipeline.cluster`).
"""

import sys
from collections.abc import Iterator
from typing import Any

import snakemake_executor_plugin_slurm as slurm
from snakemake_executor_plugin_slurm import ExecutorSettings, common_settings
from snakemake_executor_plugin_slurm.submit_string import get_submit_command
from snakemake_executor_plugin_slurm.utils import set_gres_string
from snakemake_interface_common.exceptions import WorkflowError

from latentgrid.errors import UserError, one_line, plain_errors, printable
from latentgrid.pipeline import cluster

__all__ = ["Executor", "ExecutorSettings", "common_settings"]


class Executor(slurm.Executor):
    """Submits jobs as the commands of their rules, after SLURM was asked whether it takes them."""

    def __post_init__(self, test_mode: bool = False) -> None:
        """End what an earlier call left in the queue, and end here if SLURM would refuse a job."""
        layout = self.workflow.globals["LAYOUT"]
        self.products = {job.name: job.product for job in self.workflow.globals["JOBS"]}
        settings = self.workflow.executor_settings
        settings.pass_command_as_script = True
        settings.jobname_prefix = cluster.job_name(layout)
        with plain_errors():
            cluster.require_slurm()
            super().__post_init__(test_mode)
            for job in cluster.kinds_of(self.workflow.dag):
                self._require_accepted(job)
            cluster.end_what_was_left(layout)

    def _require_accepted(self, job: Any) -> None:
        cluster.require_partition(job)
        params = {"run_uuid": self.run_uuid, "slurm_logfile": "/dev/null", "comment_str": ""}
        params |= {"account": "".join(self.get_account_arg(job)), "workdir": ""}
        try:
            params["partition"] = self.get_partition_arg(job)
            call = get_submit_command(job, params, self.workflow.executor_settings)
            call += set_gres_string(job)
        except WorkflowError as error:
            raise UserError(f"{cluster.rule_of(job)}: {one_line(error)}") from None
        cluster.require_accepted(job, call)

    def get_account_arg(self, job: Any) -> Iterator[str]:
        """Yield the option for the job's account; SLURM itself knows a user's default account."""
        if job.resources.get("slurm_account"):
            yield from super().get_account_arg(job)
        else:
            yield ""

    def _submit_job(self, job: Any) -> None:
        """Submit a job; results that do not fit are taken away before its first attempt alone."""
        if job.attempt == 1:
            for single in cluster.in_order(job):
                cluster.make_way(single, self.products[single.params.job])
        super()._submit_job(job)

    def format_job_exec(self, job: Any) -> str:
        """Return what a node runs."""
        return cluster.command_of(job, self.products)

    def report_job_error(self, job_info: Any, msg: str | None = None, **more: Any) -> None:
        """Say in a line why SLURM ended a job, and let only what may help be tried again."""
        job, log = job_info.job, (job_info.aux or {}).get("slurm_logfile")
        status = cluster.status_of(msg or "", log)
        if status:
            said = cluster.how_it_ended(job, job_info.external_jobid, status)
        else:
            said = one_line(msg or "")
        if said:
            print(printable(said), file=sys.stderr, flush=True)
        if not cluster.may_go_on(job, status):
            # Its property would forget the job's resources, which cannot be computed here.
            job._attempt = job.restart_times + 1
        super().report_job_error(job_info, msg=msg, **more)

    @property
    def next_seconds_between_status_checks(self) -> float:
        """What the profile says; the plugin alone would wait up to three minutes."""
        return float(self.workflow.remote_execution_settings.seconds_between_status_checks)

    @next_seconds_between_status_checks.setter
    def next_seconds_between_status_checks(self, seconds: float) -> None:
        """Ignore what the plugin would have."""

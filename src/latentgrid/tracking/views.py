"""The views of the runs that MLflow's page offers: which columns, which charts, which groups.

MLflow keeps a view as a tag of the experiment that holds the state of its page. Without one a
visitor sees no metric.
"""

import json
from collections.abc import Iterable
from typing import Any

from latentgrid.tracking.names import PICTURES

VIEW_TAG = "mlflow.sharedViewState."
RUNS, SETTINGS = "latentgrid-runs", "latentgrid-settings"
# With their widths in pixels.
COLUMNS = {
    "train/loss": 110,
    "test/loss": 110,
    "final/test_squared_error": 165,
    "final/silhouette": 120,
    "final/training_seconds": 160,
}
BEFORE = {"attributes.`Run Name`": 200, "runDateAndNestInfo": 130}
CURVES = ("train/loss", "test/loss", "train/reconstruction", "train/kl")
BARS = ("final/silhouette", "final/test_squared_error", "final/training_seconds")
GROUPED = {
    "aggregateFunction": "average",
    "groupByKeys": [{"mode": "param", "groupByData": "setting"}],
}


def link(address: str, experiment: str | None) -> str:
    """Return where a server shows the runs of an experiment as a table; None for all of them."""
    if experiment is None:
        return address
    query = f"workflowType=machine_learning&viewStateShareKey={RUNS}"
    return f"{address}/#/experiments/{experiment}/runs?{query}"


def tags(metrics: Iterable[str], last: int) -> dict[str, str]:
    """Return the experiment's tags with all views, for runs that have these metrics.

    MLflow adds a chart for each metric that has none, below those of the view.

    Args:
        metrics: the keys of all metrics.
        last: the epoch whose pictures are shown first.
    """
    known = set(metrics)
    return {
        f"{VIEW_TAG}{key}": json.dumps(
            {"name": name, "createdAt": 0, "updatedAt": 0, "state": json.dumps(state)},
            sort_keys=True,
        )
        for key, name, state in (
            (RUNS, "Runs", _state(known, last)),
            (SETTINGS, "Means over seeds", _state(known, last, GROUPED)),
        )
    }


def _state(known: set[str], last: int, grouped: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the state of MLflow's page, with every key that it reads."""
    columns = {f"metrics.`{key}`": width for key, width in COLUMNS.items()}
    charts, sections = _charts(known, last)
    return {
        "searchFilter": "",
        "orderByKey": "attributes.start_time",
        "orderByAsc": False,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "modelVersionFilter": "All Runs",
        "datasetsFilter": [],
        "selectedColumns": list(columns),
        "columnOrder": [*BEFORE, *columns],
        "columnWidths": BEFORE | columns,
        "runsHidden": [],
        "runsVisibilityMap": {},
        "runsHiddenMode": "FIRST_20_RUNS",
        "runsPinned": [],
        "runsExpanded": {},
        "groupBy": grouped,
        "groupsExpanded": {},
        "useGroupedValuesInCharts": True,
        "hideEmptyCharts": True,
        "isAccordionReordered": True,
        "compareRunCharts": charts,
        "compareRunSections": sections,
        "autoRefreshEnabled": True,
        "viewMaximized": False,
        "runListHidden": False,
    }


def _charts(known: set[str], last: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the charts and the sections that they stand in, the curves first."""
    names = {"curves": "Curves", "final": "At the end", "pictures": "Pictures"}
    sections = [
        {"uuid": uuid, "name": name, "display": True, "isReordered": True}
        for uuid, name in names.items()
    ]
    curves = [_line(key) for key in CURVES if key in known]
    bars = [_bar(key) for key in BARS if key in known]
    return [*curves, *bars, *(_image(key, last) for key in PICTURES)], sections


def _chart(kind: str, section: str, key: str, **own: Any) -> dict[str, Any]:
    common = {"deleted": False, "isGenerated": False, "runsCountToCompare": 20}
    return {"type": kind, "uuid": f"{section} {key}", "metricSectionId": section, **common, **own}


def _line(key: str) -> dict[str, Any]:
    return _chart(
        "LINE",
        "curves",
        key,
        metricKey=key,
        selectedMetricKeys=[key],
        lineSmoothness=0,
        xAxisScaleType="linear",
        scaleType="log",
        range={},
        xAxisKey="step",
        selectedXAxisMetricKey="",
        yAxisKey="metric",
        yAxisExpressions=[],
        ignoreOutliers=False,
        useGlobalXaxisKey=True,
        useGlobalLineSmoothing=True,
    )


def _bar(key: str) -> dict[str, Any]:
    return _chart("BAR", "final", key, metricKey=key, selectedMetricKeys=[key])


def _image(key: str, step: int) -> dict[str, Any]:
    return _chart("IMAGE", "pictures", key, imageKeys=[key], step=step, showRunParams=False)

"""The built-in panels. One file an idea; each registers itself."""

from mfgsql.reporting.panels import (  # noqa: F401
    calibration,
    confusion,
    coverage,
    curves,
    data,
    decision,
    examples,
    failures,
    fans,
    figures,
    importance,
    labels,
    learning,
    limits,
    lineage,
    residuals,
    rival,
    spans,
    timelines,
)

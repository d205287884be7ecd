"""Judging predictions against the truth: metrics with intervals, beside a baseline. It knows no database."""

from mfgsql.evaluation.judge import MetricRow, apart, beats, evaluate

__all__ = ["MetricRow", "apart", "beats", "evaluate"]

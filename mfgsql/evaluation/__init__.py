"""Judging predictions against the truth: metrics with intervals, beside a baseline. It knows no database."""

from mfgsql.evaluation.judge import MetricRow, beats, evaluate

__all__ = ["MetricRow", "beats", "evaluate"]

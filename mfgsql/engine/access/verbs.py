"""The least role for each verb. A verb without a line here is for admins: a new one is safe until somebody thought."""

from __future__ import annotations

from mfgsql.engine.access.roles import Identity, Role, require

VERBS = {
    **dict.fromkeys(
        (
            "allocate", "bottlenecks", "calibration", "capability", "check", "classification_report", "compare",
            "confusion_matrix", "control_chart", "countermeasures", "detect_anomalies", "devices", "drift",
            "drivers", "embed", "evaluate", "events", "feature_importance", "forecast", "generate",
            "label_queue", "labels",
            "maintenance_plan", "order_policy", "plan", "pr_curve", "predict", "recommend", "roc_curve", "search",
            "similar", "spans", "supplier_risk", "thresholds", "whatif",
        ),
        Role.READER,
    ),
    **dict.fromkeys(
        ("adapt", "backtest", "distill", "drop", "finetune", "pretrain", "promote", "rollback", "tune"), Role.ANALYST
    ),
    **dict.fromkeys(("export", "import"), Role.ADMIN),
}  # fmt: skip


def admit_verb(identity: Identity | None, verb: str) -> None:
    """Let somebody use a verb; embedded use may use all.

    Raises:
        AccessError: their role is too low.
    """
    if identity is not None:
        require(identity, VERBS.get(verb, Role.ADMIN), f"ml_{verb}")

"""Words of the field, for readers who are not of it."""

from __future__ import annotations

METRICS = {
    "pr_auc": ("PR-AUC", "how well positives are found without false alarms; 1 is perfect, their share is guessing"),
    "roc_auc": ("ROC-AUC", "how often a positive scores above a negative; 1 is perfect, 0.5 is guessing"),
    "f1": ("F1", "balance of positives found and alarms that are right; 1 is perfect"),
    "f1_macro": ("macro F1", "balance of rows found and predictions right, each class counting alike; 1 is perfect"),
    "f1_micro": ("micro F1", "balance of labels found and labels that are right, over all rows; 1 is perfect"),
    "subset_accuracy": ("Exact match", "share of rows with all of their labels and no other"),
    "hamming_loss": ("Hamming loss", "share of wrong answers to whether a row has a label; less is better"),
    "lrap": ("LRAP", "how far up a row's own labels are ranked among all; 1 is perfect"),
    "family_accuracy": ("First level", "share of rows whose first level is right"),
    "accuracy": ("Accuracy", "share of rows predicted right"),
    "log_loss": ("Log loss", "how far probabilities are from the truth; 0 is perfect, less is better"),
    "brier": ("Brier score", "squared error of the probability; 0 is perfect, less is better"),
    "mase": ("MASE", "errors of the median, in those of saying what was a season before; less is better"),
    "rmsse": ("RMSSE", "errors of the mean in the same way, large ones weighing more; less is better"),
    "pinball": ("Pinball", "errors of all quantiles in the same way; less is better"),
    "rmse": ("RMSE", "typical error in the target's unit, large ones weighing more; less is better"),
    "mae": ("MAE", "mean error in the target's unit; less is better"),
    "r2": ("R²", "share of the target's variation that is explained; 1 is perfect, 0 is the mean"),
    "remaining_mae": ("Error of the time", "mean error of the remaining time, in days or units; less is better"),
    "nasa_score": (
        "NASA score",
        "sum over rows, a life predicted too long counting more; less is better",
    ),
    "span_f1": ("Span F1", "balance of spans found and spans that are right, over all texts; 1 is perfect"),
    "span_precision": ("Span precision", "share of the spans found that are right"),
    "span_recall": ("Span recall", "share of the annotated spans that are found"),
    "token_accuracy": ("Word accuracy", "share of words that are told rightly to be of a label, or of none"),
    "loss": ("Loss", "what training minimises; less is better"),
}
TASKS = {
    "classification": "class",
    "hierarchy": "class",
    "multilabel": "labels",
    "regression": "number",
    "rul": "number",
    "process": "class",
}


def metric_name(name: str | None) -> str:
    """As a reader knows it."""
    return METRICS[name][0] if name in METRICS else (name or "").replace("_", " ")


def metric_meaning(name: str) -> str:
    """What it tells."""
    return METRICS[name][1] if name in METRICS else ""

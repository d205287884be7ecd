"""What others would use: gradient-boosted trees, untuned, with the calibration and the intervals that one adds to them."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from catboost import CatBoostClassifier, CatBoostRegressor
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.isotonic import IsotonicRegression
from sklearn.model_selection import KFold, StratifiedKFold
from xgboost import XGBClassifier, XGBRegressor

THREADS = 2
Frame = pd.DataFrame
LIGHTGBM = {"n_estimators": 300, "learning_rate": 0.05, "n_jobs": THREADS, "random_state": 0, "verbose": -1}
XGBOOST = {"n_estimators": 300, "learning_rate": 0.05, "n_jobs": THREADS, "random_state": 0, "enable_categorical": True}


def _catboost(kind: type, iterations: int) -> Callable[[Frame], Any]:
    def make(rows: Frame) -> Any:
        words = [n for n in rows if not pd.api.types.is_numeric_dtype(rows[n])]
        return kind(iterations=iterations, thread_count=THREADS, random_seed=0, verbose=False, allow_writing_files=False, cat_features=words)

    return make


CLASSIFIERS: dict[str, Callable[[Frame], Any]] = {
    "CatBoost": _catboost(CatBoostClassifier, 500),
    "LightGBM": lambda rows: LGBMClassifier(**LIGHTGBM),
    "XGBoost": lambda rows: XGBClassifier(**XGBOOST),
}
REGRESSORS: dict[str, Callable[[Frame], Any]] = {
    "CatBoost": _catboost(CatBoostRegressor, 1000),
    "LightGBM": lambda rows: LGBMRegressor(**LIGHTGBM),
    "XGBoost": lambda rows: XGBRegressor(**XGBOOST),
}


def probabilities(make: Callable[[Frame], Any], train: Frame, truth: np.ndarray, test: Frame) -> tuple[np.ndarray, float]:
    """Of the positive class, and the seconds of the fit."""
    started = time.perf_counter()
    model = make(train).fit(train, truth)
    took = time.perf_counter() - started
    return model.predict_proba(test)[:, 1], took


def calibrated(make: Callable[[Frame], Any], train: Frame, truth: np.ndarray, test: Frame) -> np.ndarray:
    """The same by isotonic regression on five inner folds, as scikit-learn's CalibratedClassifierCV does it.

    That class clones its model, which CatBoost's doesn't let it.
    """
    said = []
    for learnt, held in StratifiedKFold(5, shuffle=True, random_state=0).split(train, truth):
        model = make(train).fit(train.iloc[learnt], truth[learnt])
        isotonic = IsotonicRegression(out_of_bounds="clip")
        isotonic.fit(model.predict_proba(train.iloc[held])[:, 1], truth[held])
        said.append(isotonic.predict(model.predict_proba(test)[:, 1]))
    return np.mean(said, axis=0)


def values(make: Callable[[Frame], Any], train: Frame, truth: np.ndarray, test: Frame) -> tuple[np.ndarray, float]:
    """Of a number, and the seconds of the fit."""
    started = time.perf_counter()
    model = make(train).fit(train, truth)
    took = time.perf_counter() - started
    return model.predict(test), took


def absolute_errors(make: Callable[[Frame], Any], train: Frame, truth: np.ndarray) -> np.ndarray:
    """Of rows that the model of their inner fold has not seen: what intervals are made of (cross-conformal)."""
    errors = np.empty(len(truth))
    for learnt, held in KFold(5, shuffle=True, random_state=0).split(train):
        model = make(train).fit(train.iloc[learnt], truth[learnt])
        errors[held] = np.abs(truth[held] - model.predict(train.iloc[held]))
    return errors

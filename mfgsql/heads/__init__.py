"""Small networks on top of a backbone's hidden states: one predicts a target, one the columns themselves."""

from mfgsql.heads.forecast import ForecastHead
from mfgsql.heads.hierarchy import HierarchyHead
from mfgsql.heads.language import LanguageHead
from mfgsql.heads.members import MemberHead
from mfgsql.heads.patches import PatchHead
from mfgsql.heads.pieces import PieceHead
from mfgsql.heads.prediction import PredictionHead
from mfgsql.heads.reconstruction import ReconstructionHead

__all__ = [
    "ForecastHead",
    "HierarchyHead",
    "LanguageHead",
    "MemberHead",
    "PatchHead",
    "PieceHead",
    "PredictionHead",
    "ReconstructionHead",
]

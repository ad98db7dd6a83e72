"""Questions by the name of their guard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_aiguard.guards.questions.base import Question
from airflow_provider_aiguard.guards.questions.budget import BudgetQuestion
from airflow_provider_aiguard.guards.questions.calibration import CalibrationQuestion
from airflow_provider_aiguard.guards.questions.concept import ConceptQuestion
from airflow_provider_aiguard.guards.questions.confidence import ConfidenceQuestion
from airflow_provider_aiguard.guards.questions.diversity import DiversityQuestion
from airflow_provider_aiguard.guards.questions.drift import DriftQuestion
from airflow_provider_aiguard.guards.questions.ground_truth import GroundTruthQuestion
from airflow_provider_aiguard.guards.questions.schema import SchemaQuestion
from airflow_provider_aiguard.guards.questions.skew import SkewQuestion

_QUESTIONS = {
    q.guard: q
    for q in (
        DriftQuestion,
        ConfidenceQuestion,
        GroundTruthQuestion,
        CalibrationQuestion,
        DiversityQuestion,
        BudgetQuestion,
        SchemaQuestion,
        SkewQuestion,
        ConceptQuestion,
    )
}


def question_from_dict(data: Mapping[str, Any]) -> Question:
    """Rebuild a question from its ``to_dict``."""
    question: Question = _QUESTIONS[data["guard"]].from_dict(data)
    return question

"""What the REST API takes and answers of surveys, as types."""

from __future__ import annotations

from typing import Annotated

import msgspec

from cti_engine.adapters.survey_records import Comment


class SurveyQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of the last `days`. `question`: answers to this one alone; `weighted`: each by what the customer is worth."""

    days: Annotated[int, msgspec.Meta(ge=1, le=366)] = 30
    question: Annotated[str, msgspec.Meta(max_length=100)] = ""
    weighted: bool = False


class SurveyEstimate(msgspec.Struct, frozen=True):
    """With its 95 % interval; null where there are too few answers to tell."""

    value: float
    low: float | None
    high: float | None


class SurveyFigures(msgspec.Struct, frozen=True):
    """Of an agent or queue (`name`), empty: of all. `response` is of those asked after a call; CSAT of 1-5 and the
    share `satisfied` (4, 5), NPS of 0-10 from -100 to 100; null without an answer. `left_out`: answers of customers
    without a value, when weighted.
    """

    name: str
    asked: int
    answered: int
    response: SurveyEstimate | None
    csat_answers: int
    csat: SurveyEstimate | None
    satisfied: SurveyEstimate | None
    nps_answers: int
    nps: SurveyEstimate | None
    left_out: int


class Surveys(msgspec.Struct, frozen=True):
    """From `since` to before `until`, wall seconds."""

    since: float
    until: float
    weighted: bool
    total: SurveyFigures
    agents: list[SurveyFigures]
    queues: list[SurveyFigures]


class SurveyComments(msgspec.Struct, frozen=True):
    comments: list[Comment]

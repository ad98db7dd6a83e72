"""What a cascade is, before anything is asked."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_aiguard import (
    Budget,
    CalibrationMap,
    Cascade,
    Certificate,
    HttpModel,
    LanguageModel,
    Level,
    Pacing,
    Price,
    Table,
)
from airflow_provider_aiguard.core.errors import ConfigurationError, PriceUnknownError
from airflow_provider_aiguard.core.outputs import parse_outputs
from airflow_provider_aiguard.inference.cascade import EVERYTHING, NOTHING, routes
from airflow_provider_aiguard.inference.plan import InferencePlan
from airflow_provider_aiguard.models.function import FunctionModel


def model(name: str) -> FunctionModel:
    return FunctionModel(lambda chunk: chunk, outputs=["y"], name=name, version="1")


class Tokens:
    """A model that names its columns and counts tokens."""

    inputs = ("text", "title")

    def __init__(self) -> None:
        self.identity = model("tokens").identity

    def most_usage(self, chunk: Any) -> Any: ...

    def predict(self, chunk: Any) -> Any: ...

    def close(self) -> None: ...


CHEAP, STRONG, SPARE = model("cheap"), model("strong"), model("spare")


def plan(**changes: Any) -> InferencePlan:
    return InferencePlan(rows=Table("t", "w", key="id"), into=Table("u", "w"), outputs=parse_outputs(["y"]), **changes)


def certificate(threshold: float | None) -> Certificate:
    return Certificate(
        promise="error", alpha=0.05, delta=0.05, threshold=threshold, model="", learnt_on="t", labels=10, missing=50
    )


@pytest.mark.parametrize(
    ("models", "options", "message"),
    [
        ([], {"accept": 0.9}, "at least one model"),
        ([CHEAP, STRONG], {}, "needs 1 thresholds.*accept=None.*aiguard models accept"),
        ([CHEAP, STRONG], {"accept": [0.9, 0.8]}, "needs 1 thresholds"),
        ([CHEAP, SPARE, STRONG], {"accept": [0.9]}, "needs 2 thresholds"),
        ([CHEAP, STRONG], {"accept": 1.1}, r"accept must be a confidence in \[0, 1\]; got 1.1"),
        ([CHEAP, STRONG], {"accept": [True]}, "accept must be a confidence"),
        ([CHEAP, STRONG], {"accept": ["0.9"]}, "accept must be a confidence"),
        ([CHEAP, STRONG], {"accept": 0.9, "reject_below": -1}, "reject_below must be a confidence"),
        ([CHEAP, STRONG], {"accept": 0.9, "on_uncertified": "pray"}, "on_uncertified must be one of"),
        ([CHEAP, STRONG], {"accept": certificate(None)}, "about 50 more labels.*on_uncertified='escalate'"),
        ([CHEAP], {"accept": certificate(0.9)}, "this cascade has one model"),
        ([CHEAP], {"accept": 0.9}, "accept=0.9 says when the next model is not asked.*give reject_below="),
    ],
)
def test_what_makes_no_cascade(models: list[Any], options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        Cascade(models, **options)


def test_thresholds() -> None:
    assert Cascade([CHEAP, SPARE, STRONG], accept=0.9).accept == (0.9, 0.9)
    assert Cascade([CHEAP, SPARE, STRONG], accept=[0.9, 0.8]).accept == (0.9, 0.8)
    assert Cascade([CHEAP, STRONG], accept=certificate(0.7)).accept == (0.7,)
    assert Cascade([CHEAP, STRONG], accept=certificate(None), on_uncertified="escalate").accept == (NOTHING,)
    assert Cascade([CHEAP, STRONG], accept=certificate(None), on_uncertified="accept").accept == (EVERYTHING,)
    assert Cascade([CHEAP]).accept == ()


def test_the_fallback_is_one_of_the_models_or_one_more() -> None:
    assert Cascade([CHEAP, STRONG], accept=0.9).fallback is None
    among = Cascade([Level(CHEAP), STRONG], accept=0.9, fallback=CHEAP)
    apart = Cascade([CHEAP, STRONG], accept=0.9, fallback=SPARE)
    assert (among.fallback, len(among.all)) == (0, 2)
    assert (apart.fallback, [level.model for level in apart.all]) == (2, [CHEAP, STRONG, SPARE])


def test_its_identity_changes_with_all_that_decides_the_answers() -> None:
    cascades = [
        Cascade([CHEAP, STRONG], accept=0.9),
        Cascade([CHEAP, STRONG], accept=0.8),
        Cascade([CHEAP, STRONG], accept=0.9, reject_below=0.1),
        Cascade([CHEAP, STRONG], accept=0.9, fallback=CHEAP),
        Cascade([CHEAP, STRONG], accept=0.9, fallback=SPARE),
        Cascade([STRONG, CHEAP], accept=0.9),
        Cascade([Level(CHEAP, calibration=CalibrationMap(slope=2, intercept=0)), STRONG], accept=0.9),
    ]
    assert len({cascade.identity.fingerprint for cascade in cascades}) == len(cascades)
    assert cascades[0].identity == Cascade([Level(CHEAP, price_per_row="1"), STRONG], accept=0.9).identity
    assert [c.identity.name for c in cascades[3:5]] == ["cheap > strong", "cheap > strong or spare"]
    assert Cascade([CHEAP]).identity == CHEAP.identity
    assert Cascade([CHEAP], reject_below=0.5).identity != CHEAP.identity


def test_chunks_are_small_where_a_model_asks_about_a_few_rows_at_a_time() -> None:
    assert Cascade([CHEAP]).chunk_size == 10_000
    language = LanguageModel(lambda: None, prompt="{x}", output_type=str, output="y", pacing=Pacing(in_flight=4))
    batches = HttpModel("http://h", model="m", outputs=["y"], batch_size=10, pacing=Pacing(in_flight=8))
    by_default = HttpModel("http://h", model="m", outputs=["y"])
    assert [Cascade([one]).chunk_size for one in (language, batches, by_default)] == [80, 1_600, 10_000]
    # Of one that only counts tokens the usual number in flight is taken.
    assert Cascade([Tokens()]).chunk_size == 320
    assert Cascade([CHEAP, batches], accept=0.9, fallback=language).chunk_size == 80


def test_each_level_has_its_price_and_a_model_that_counts_tokens_the_listed_one() -> None:
    tokens, ours = Tokens(), Price(input="1", output="2")
    cascade = Cascade([Level(CHEAP, price_per_row="0.01"), tokens, Level(Tokens(), price=ours)], accept=0.9)
    assert [(one.price_per_row and str(one.price_per_row), one.price) for one in cascade.plans(plan())] == [
        ("0.01", None), (None, "listed"), (None, ours),
    ]  # fmt: skip
    priced = plan(budgets=(Budget("b", "1"),))
    with pytest.raises(PriceUnknownError, match="no price"):
        Cascade([Level(CHEAP, price_per_row="0.01"), STRONG], accept=0.9).plans(priced)


def test_columns_are_known_if_all_models_name_theirs() -> None:
    assert Cascade([Tokens(), Tokens()], accept=0.9).inputs == ("text", "title")
    assert Cascade([Tokens(), STRONG], accept=0.9).inputs is None


def test_one_model_is_a_cascade_of_one() -> None:
    cascade, plans = routes(plan(price_per_row=None), CHEAP)
    assert (cascade.identity, plans) == (CHEAP.identity, [plan()])
    with pytest.raises(ConfigurationError, match="needs a cheaper model"):
        routes(plan(on_budget="cheaper"), CHEAP)

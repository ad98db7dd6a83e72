from __future__ import annotations

import doctest
import math

import pytest

from airflow_provider_aiguard.models.llm import confidence
from airflow_provider_aiguard.models.llm.confidence import token_probabilities, vote


def tokens(*pairs):
    return [{"token": token, "logprob": logprob} for token, logprob in pairs]


def test_the_examples_hold():
    result = doctest.testmod(confidence)
    assert result.attempted > 0
    assert result.failed == 0


def test_each_value_has_the_probability_of_its_own_tokens():
    given = tokens(
        ("Here: ", -9), ("{", -9), ('"a"', -9), (": ", -9), ("12", -0.1), ("5", -0.2), (', "b"', -9), (": ", -9),
        ("nu", -0.5), ("ll", -0.25), ("}", -9), (" done", -9),
    )  # fmt: skip
    text = "".join(token["token"] for token in given)
    found = token_probabilities(text, given, ["a", "b", "c"])
    assert found == {"a": pytest.approx(math.exp(-0.3)), "b": pytest.approx(math.exp(-0.75)), "c": None}


def test_a_character_may_span_tokens():
    raw = '{"a": "é"}'.encode()
    given = [{"token": "?", "bytes": [byte], "logprob": -0.1} for byte in raw]
    assert token_probabilities(raw.decode(), given, ["a"]) == {"a": pytest.approx(math.exp(-0.4))}


def test_thoughts_before_the_answer_do_not_matter():
    given = tokens(("<think>a: 1</think>", -9), ('{"a": ', -9), ("1", -0.5), ("}", -9))
    assert token_probabilities('{"a": 1}', given, ["a"]) == {"a": pytest.approx(math.exp(-0.5))}


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ('{"a": 1}', []),
        ("", tokens(('{"a": 1}', -0.1))),
        ('{"a": 1}', tokens(("something else", -0.1))),
        ("no object", tokens(("no object", -0.1))),
        ('{"a"', tokens(('{"a"', -0.1))),
        ('{"a": tru', tokens(('{"a": tru', -0.1))),
        ('{"a": 1}', [{"token": '{"a": 1}', "logprob": None}]),
        ('{"a": 1}', tokens(('{"a": 1}', float("nan")))),
    ],
)
def test_what_cannot_be_told_is_not_made_up(text, given):
    assert token_probabilities(text, given, ["a"]) == {"a": None}


def test_a_probability_is_at_most_one():
    assert token_probabilities('{"a": 1}', tokens(('{"a": 1}', 0.5)), ["a"]) == {"a": 1.0}


def test_columns_are_voted_on_apart_and_missing_answers_count_against():
    samples = [{"a": 1, "b": "x"}, {"a": 2, "b": "x"}, {"a": 2, "b": "y"}, None]
    assert vote(samples, ["a", "b"]) == ({"a": 2, "b": "x"}, {"a": 0.5, "b": 0.5})


def test_the_first_of_equals_wins_and_true_is_not_one():
    assert vote([{"a": 1}, {"a": True}, {"a": 1.0}], ["a"]) == ({"a": 1}, {"a": pytest.approx(1 / 3)})
    assert vote([{"a": None}, {"a": 1}], ["a"]) == ({"a": None}, {"a": 0.5})

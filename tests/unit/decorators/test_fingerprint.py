from __future__ import annotations

import functools
import types

import pytest
from airflow.sdk import DAG, task

from airflow_provider_aiguard import Table
from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.decorators.inference import inference_task

people = Table("people", "rows", key="id")
arguments = {"rows": people, "into": "out", "outputs": ["late"]}
NOBODY_KNOWS = object()
PRICED = (("price_per_row", "0.01"),)


def identity_of(function, *args, context=(), made_with=(), **kwargs):
    with DAG("d", schedule=None):
        made = inference_task(**{**arguments, **dict(made_with)})(function)(*args, **kwargs)
    return made.operator._model(dict(context)).identity


def test_arguments_do_however_they_are_given():
    def label(batch, cutoff, *, plus=0):
        return batch > cutoff + plus

    one, same, explicit, other, text = (
        identity_of(label, *args, **kwargs)
        for args, kwargs in [((1,), {}), ((), {"cutoff": 1}), ((1,), {"plus": 0}), ((9,), {}), (("1",), {})]
    )
    assert one == same == explicit
    assert len({one.fingerprint, other.fingerprint, text.fingerprint}) == 3
    # It is the same code.
    assert (one.name, one.version) == (other.name, other.version)


def test_defaults_do():
    def make(limit):
        def label(batch, cutoff=limit):
            return batch > cutoff

        return label

    assert identity_of(make(1)) != identity_of(make(9))


def test_what_comes_from_the_context_does():
    def label(batch, ds, params):
        return batch > params["cutoff"]

    seen = {
        identity_of(label, context={"ds": day, "params": types.MappingProxyType({"cutoff": cutoff})})
        for day, cutoff in [("2026-01-01", 1), ("2026-01-01", 9), ("2026-01-02", 9)]
    }
    assert len(seen) == 3


def test_how_a_task_is_made_does_not():
    with DAG("d", schedule=None):

        @task.inference(**arguments, chunk_size=10)
        def small(batch, cutoff=1):
            return batch > cutoff

        by_ten = small()

        @task.inference(
            **arguments,
            chunk_size=500,
            retries=7,
        )
        def small(batch, cutoff=1):
            return batch > cutoff

        by_more = small()

        @task.inference(**arguments)
        def small(batch, cutoff=1):
            return batch >= cutoff

        changed = small()
    identities = [made.operator._model({}).identity for made in (by_ten, by_more, changed)]
    assert identities[0] == identities[1]
    assert identities[0].version != identities[2].version


def test_a_decorator_of_the_authors_own_does():
    def times(number):
        def decorate(function):
            @functools.wraps(function)
            def call(batch):
                return function(batch) * number

            return call

        return decorate

    with DAG("d", schedule=None):

        @inference_task(**arguments)
        @times(2)
        def label(batch):
            return batch

        twice = label()

        @inference_task(**arguments)
        @times(3)
        def label(batch):
            return batch

        thrice = label()
    assert twice.operator._model({}).identity != thrice.operator._model({}).identity


@pytest.mark.parametrize(
    ("context", "message"),
    [
        ({}, "Argument 'thing' of the function is a object, which"),
        ({"thing": object()}, "'thing' of the task's context"),
    ],
)
def test_what_nobody_can_tell_apart_is_refused_where_it_is_paid_for(context, message):
    def label(batch, thing=NOBODY_KNOWS):
        return batch

    with pytest.raises(ConfigurationError, match=message):
        identity_of(label, context=context, made_with=PRICED)
    # Nothing is kept of an unpriced one, and whoever gives the version answers for it.
    assert identity_of(label, context=context).version
    versioned = (*PRICED, ("model_version", "7"))
    assert identity_of(label, context=context, made_with=versioned).version == "7"


def test_a_version_leaves_the_other_arguments_in():
    def label(batch, thing, cutoff):
        return batch

    versioned = (*PRICED, ("model_version", "7"))
    assert identity_of(label, object(), 1, made_with=versioned) != identity_of(label, object(), 9, made_with=versioned)

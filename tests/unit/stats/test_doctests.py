"""The examples in the docstrings of stats/ are run: they are the definitions."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

from airflow_provider_aiguard import stats

MODULES = [module.name for module in pkgutil.iter_modules(stats.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_every_module_has_examples_and_they_hold(name):
    result = doctest.testmod(importlib.import_module(f"airflow_provider_aiguard.stats.{name}"))
    assert result.attempted > 0
    assert result.failed == 0

from __future__ import annotations

from airflow_provider_aiguard.models.base import Model
from airflow_provider_aiguard.models.function import FunctionModel
from airflow_provider_aiguard.models.sklearn import SklearnModel


def test_both_adapters_are_models() -> None:
    assert isinstance(FunctionModel(len, outputs=["n"]), Model)
    assert isinstance(SklearnModel("model.pkl", sha256="0" * 64, output="y"), Model)


def test_what_cannot_be_closed_is_no_model() -> None:
    class Half:
        identity = None

        def predict(self, chunk: object) -> None: ...

    assert not isinstance(Half(), Model)

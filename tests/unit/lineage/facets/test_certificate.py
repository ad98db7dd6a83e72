from __future__ import annotations

from typing import Any

from facet_checks import told

from airflow_provider_aiguard.lineage.facets.certificate import ColumnCertificate, certificate_facet


def certificate(name: str = "late", **changes: Any) -> ColumnCertificate:
    values: dict[str, Any] = {"name": name, "certified": True, "alpha": 0.05, "delta": 0.1, "labels": 200, "errors": 3}
    return ColumnCertificate(**{**values, **changes})


def test_certificate() -> None:
    facet = certificate_facet(
        [certificate(threshold=0.9, acceptShare=0.7, errorBound=0.0479, issuedAt="2026-11-23T12:00:00+00:00")]
    )
    assert told(facet) == {
        "certified": True,
        "columnCount": 1,
        "columns": [
            {
                "name": "late",
                "certified": True,
                "alpha": 0.05,
                "delta": 0.1,
                "threshold": 0.9,
                "acceptShare": 0.7,
                "labels": 200,
                "errors": 3,
                "errorBound": 0.0479,
                "labelsMissing": 0,
                "issuedAt": "2026-11-23T12:00:00+00:00",
            }
        ],
    }


def test_a_dataset_is_certified_if_every_column_is() -> None:
    assert not told(certificate_facet([]))["certified"]
    facet = certificate_facet([certificate(), certificate("other", certified=False, labelsMissing=40)])
    assert not told(facet)["certified"]
    many = told(certificate_facet([certificate(f"c{i}" * 100) for i in range(30)]))
    assert (many["columnCount"], len(many["columns"])) == (30, 20)

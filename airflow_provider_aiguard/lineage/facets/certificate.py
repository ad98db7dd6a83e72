"""``aiguard_certificate`` on a dataset: the evidence that claims accepted without a person are right often enough."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attr
from openlineage.client.facet_v2 import DatasetFacet
from openlineage.client.utils import RedactMixin

from airflow_provider_aiguard.lineage.facets.base import link, ready, schema_url

if TYPE_CHECKING:
    from collections.abc import Sequence


_MAX_COLUMNS = 20


@attr.define(kw_only=True)
class ColumnCertificate(RedactMixin):
    """The evidence about the claims in one column.

    :param name: the column.
    :param certified: whether the evidence is enough.
    :param alpha: the promised error: at most this share of the accepted claims is wrong, in (0, 1).
    :param delta: how often the promise may fail, in (0, 1).
    :param threshold: the lowest confidence, in [0, 1], that is accepted; absent if nothing is certified.
    :param acceptShare: share of the claims, in [0, 1], at or above the threshold.
    :param labels: audited claims at or above the threshold.
    :param errors: how many of them were wrong.
    :param errorBound: upper bound of the error among accepted claims, in [0, 1].
    :param labelsMissing: how many labels would have been enough, less those that are there; 0 if certified.
    :param method: how the bound was computed.
    :param model: name of the model.
    :param modelVersion: version of the model.
    :param issuedAt: when, ISO 8601 with zone.
    :param expiresAt: until when, ISO 8601 with zone.
    """

    name: str
    certified: bool
    alpha: float
    delta: float
    threshold: float | None = None
    acceptShare: float | None = None  # noqa: N815
    labels: int
    errors: int
    errorBound: float | None = None  # noqa: N815
    labelsMissing: int = 0  # noqa: N815
    method: str | None = None
    model: str | None = None
    modelVersion: str | None = None  # noqa: N815
    issuedAt: str | None = None  # noqa: N815
    expiresAt: str | None = None  # noqa: N815

    _skip_redact: ClassVar[list[str]] = [
        *("name", "certified", "method", "model", "modelVersion", "issuedAt", "expiresAt"),
    ]


@attr.define(kw_only=True)
class AiguardCertificateDatasetFacet(DatasetFacet):
    """Which columns' claims may be accepted without a person.

    :param certified: whether every column listed is.
    :param columnCount: columns there is evidence about.
    :param detailUri: where a person reads more.
    :param columns: the evidence, by column; at most 20 of them.
    """

    certified: bool
    columnCount: int  # noqa: N815
    detailUri: str | None = None  # noqa: N815
    columns: list[ColumnCertificate] = attr.field(factory=list)

    _additional_skip_redact: ClassVar[list[str]] = ["certified", "detailUri", "columns"]

    @staticmethod
    def _get_schema() -> str:
        return schema_url("AiguardCertificateDatasetFacet", "1-0-0")


def certificate_facet(
    columns: Sequence[ColumnCertificate], *, run_url: str | None = None
) -> AiguardCertificateDatasetFacet:
    """Say which columns' claims are certified.

    :param columns: the evidence about each column.
    :param run_url: where a person reads more; left out if it is no ASCII URL of at most 500 characters.
    """
    return ready(
        AiguardCertificateDatasetFacet(
            certified=bool(columns) and all(column.certified for column in columns),
            columnCount=len(columns),
            detailUri=link(run_url),
            columns=list(columns[:_MAX_COLUMNS]),
        )
    )

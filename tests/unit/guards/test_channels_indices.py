"""The indices that are customary elsewhere, of categories."""

from __future__ import annotations

from channel_samples import judge, text

from airflow_provider_aiguard.core.verdict import Outcome


def test_categories_by_the_indices_of_others():
    after = text((4_600, 3_400, 2_000))
    checks = judge(text(), after, "psi", "jensen_shannon")
    assert {c.outcome for c in checks.values()} == {Outcome.BREACH}
    assert checks["psi"].detail["df"] == 2

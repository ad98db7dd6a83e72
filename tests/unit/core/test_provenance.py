from __future__ import annotations

import json

from airflow_provider_aiguard.core.provenance import Companions, ConfidenceSource, Provenance


def test_companions_of_any_name() -> None:
    names = Companions('we"ird')
    assert names.names == ('we"ird__provenance', 'we"ird__confidence', 'we"ird__run')
    assert names.names == (names.provenance, names.confidence, names.run)


def test_the_words_are_the_words() -> None:
    assert json.dumps(list(Provenance)) == '["observed", "human_annotated", "ai_inferred"]'
    assert [str(source) for source in ConfidenceSource] == [
        "probability",
        "logprob",
        "self_consistency",
        "verbalised",
        "agreement",
        "calibrated",
    ]

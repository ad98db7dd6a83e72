from __future__ import annotations

import json

from airflow_provider_aiguard.core.distribution import Distribution


def test_it_survives_json():
    found = Distribution(column="x", labels=("0 to 1",), reference=(1.0,), current=(0.5,), borders=(0.0, 1.0))
    assert Distribution.from_dict(json.loads(json.dumps(found.to_dict()))) == found

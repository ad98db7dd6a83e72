from __future__ import annotations

import base64
import gzip
import hashlib
import json

import pytest
from plotly.offline import get_plotlyjs

from airflow_provider_aiguard.report.embed import plotly_gzip, plotly_hash, safe_json, script_hash


@pytest.mark.parametrize(
    "text", ["</script><script>alert(1)</script>", "<!--", "]]>", "&lt;", "\u2028", "naïve ☂", '"']
)
def test_json_cannot_end_its_element_and_comes_back_whole(text):
    made = safe_json({text: [text]})
    assert not set("<>&") & set(made)
    assert json.loads(made) == {text: [text]}


def test_json_has_no_nan():
    with pytest.raises(ValueError, match="Out of range float values are not JSON compliant"):
        safe_json([float("nan")])


def test_plotly_comes_back_whole_and_small():
    packed = plotly_gzip()
    assert len(packed) < 2_100_000
    assert gzip.decompress(base64.b64decode(packed)).decode() == get_plotlyjs()


def test_hash_is_that_of_the_script_as_the_browser_reads_it():
    digest = hashlib.sha256(get_plotlyjs().encode()).digest()
    assert plotly_hash() == f"'sha256-{base64.b64encode(digest).decode()}'"
    assert script_hash("a") != script_hash("b")
    assert "\r" not in get_plotlyjs(), "a browser would read it as a line feed, and the hash would differ"

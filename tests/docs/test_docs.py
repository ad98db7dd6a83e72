"""What the documentation says of the code is so."""

from __future__ import annotations

import importlib
import inspect
import re
import tomllib

import pytest
import yaml
from pages import DOCS, FENCES, PAGES, REPOSITORY, name_of
from raised import messages
from truth_messages import truth_messages

from airflow_provider_aiguard.core import errors
from airflow_provider_aiguard.core.limits.drift import MIN_EFFECT, MUST_SEE
from airflow_provider_aiguard.get_provider_info import get_provider_info

TROUBLE = DOCS / "troubleshooting.md"
ONE_SCREEN = 75
MAX_IMAGE_BYTES = 200_000


def text_of(page):
    return (DOCS / page).read_text("utf-8")


def tables(page):
    """Rows of all tables of a page, header and rule included, as lists of cells."""
    lines = [line.strip() for line in text_of(page).splitlines() if line.strip().startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def errors_in_code():
    return {name for name, cls in vars(errors).items() if inspect.isclass(cls) and issubclass(cls, errors.AIGuardError)}


# Errors


def test_every_error_has_a_place_in_troubleshooting_and_no_other_has():
    headings = set(re.findall(r"^## (\w+Error)$", TROUBLE.read_text("utf-8"), re.MULTILINE))
    assert headings == errors_in_code() | {"GuardBreachError"}


def test_the_tree_shown_is_the_tree():
    (tree,) = [f.body for f in FENCES if f.page == name_of(TROUBLE) and "├──" in f.body]
    named = [(line, *re.findall(r"AI\w+|\w+Error", line)[:1]) for line in tree.splitlines()]
    shown = [(line.index(name) // 4, name) for line, name in named]
    bases = {}
    for depth, name in shown:
        bases[depth] = name
        if depth:
            assert issubclass(getattr(errors, name), getattr(errors, bases[depth - 1])), name
    assert {name for _, name in shown} == errors_in_code()


@pytest.fixture(scope="module")
def raised(tmp_path_factory):
    folder = tmp_path_factory.mktemp("raised")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return messages(folder)


def test_messages_quoted_are_the_messages_raised(raised):
    sections = re.split(r"^## ", TROUBLE.read_text("utf-8"), flags=re.MULTILINE)
    quoted = {s.split("\n", 1)[0]: re.findall(r"```text\n(.+)\n```", s) for s in sections}
    assert {name: found for name, found in quoted.items() if found and name != "GuardBreachError"} == raised


def test_every_error_that_is_raised_by_itself_is_quoted(raised):
    bases = {"TableError", "ModelError", "BudgetError", "StoreError", "LineageError", "AIGuardError"}
    assert set(raised) == errors_in_code() - bases


def test_the_breach_quoted_is_what_a_breach_says():
    from airflow_provider_aiguard.core.evidence import TruthEvidence
    from airflow_provider_aiguard.core.limits.ground_truth import GroundTruthLimits
    from airflow_provider_aiguard.core.verdict import Verdict
    from airflow_provider_aiguard.guards.ground_truth import evaluate
    from airflow_provider_aiguard.operators.base import GuardBreachError, apply_policy

    evidence = TruthEvidence(column="late", truth_column="late", inferred=28243, labels=27075, correct=20769)
    checks = evaluate(evidence, GroundTruthLimits(min_accuracy=0.8, min_truth_share=0.9))
    verdict = Verdict(guard="ground_truth", subject="flights_scored", checks=tuple(checks))
    with pytest.raises(GuardBreachError, match="ground_truth") as caught:
        apply_policy(verdict, on_breach="fail", on_undecided="fail")
    assert f"```text\n{caught.value}\n```" in TROUBLE.read_text("utf-8")
    log = text_of("operators/index.md")
    assert all(line in log for line in verdict.as_text().splitlines())


def test_what_the_operator_pages_say_a_check_logs_is_what_checks_say():
    said = [*check_messages()]
    for page in ("calibration", "diversity", "confidence", "ground_truth", "budget", "drift"):
        quoted = [row[0] for row in tables(f"operators/{page}.md") if row[0].startswith("`") and " " in row[0]]
        quoted = [cell.strip("`") for cell in quoted if "Error" not in cell]
        assert quoted, page
        for cell in quoted:
            # Their numbers are the demo's: the words are compared.
            words = re.sub(r"\d+(?:\\\.\d+)?", r"[\\d.]+", re.escape(cell).replace("…", ".*"))
            assert any(re.search(words, message) for message in said), cell


def check_messages():
    from airflow_provider_aiguard.core.confidence import ConfidenceSummary
    from airflow_provider_aiguard.core.evidence import BudgetStatus, ConfidenceEvidence, TruthEvidence
    from airflow_provider_aiguard.core.limits.budget import BudgetLimits
    from airflow_provider_aiguard.core.limits.confidence import ConfidenceLimits
    from airflow_provider_aiguard.core.limits.ground_truth import GroundTruthLimits
    from airflow_provider_aiguard.core.profile import ColumnKind, ColumnProfile, TableProfile
    from airflow_provider_aiguard.guards import budget, confidence, drift, ground_truth, trailing

    def sure(inferred, *, mean=0.71, missing=0, below=0, unlabelled=0):
        counts = [0] * 100
        counts[70] = inferred - missing
        summary = ConfidenceSummary(total=mean * (inferred - missing), counts=tuple(counts), missing=missing)
        provenance = {"ai_inferred": inferred, "unlabelled": unlabelled}
        return ConfidenceEvidence(
            column="late", rows=24951, provenance=provenance, confidence=summary, below={0.6: below}
        )

    yield from truth_messages()
    limits = ConfidenceLimits(min_mean=0.8, max_share_below=(0.6, 0.1))
    for evidence in (sure(24951, below=2994), sure(24951, missing=40), sure(0, unlabelled=24951)):
        yield from (c.message for c in confidence.evaluate(evidence, limits))
    for labels, correct in ((27075, 20769), (0, 0), (12, 9), (9000, 8000)):
        inferred = 28243 if labels == 27075 else 24951
        truth = TruthEvidence(column="late", truth_column="late", inferred=inferred, labels=labels, correct=correct)
        yield from (c.message for c in ground_truth.evaluate(truth, GroundTruthLimits(min_accuracy=0.8)))
    for spent in (18_800_000,):
        status = BudgetStatus(name="team-data", window="month:2026-11", limit=20_000_000, spent=spent, held=0)
        yield from (c.message for c in budget.evaluate(status, BudgetLimits(needed="2.50", max_used_share=0.9)))

    def profile(rows, *columns):
        return TableProfile(table="flights", rows=rows, columns={c.name: c for c in columns})

    def column(kind, name="x", **kwargs):
        return ColumnProfile(name=name, kind=kind, type="BIGINT", rows=100, **kwargs)

    number = column(ColumnKind.NUMERIC, edges=tuple(map(float, range(1, 50))), counts=(2,) * 50)
    skipped = column(ColumnKind.SKIPPED, reason="it was numeric (BIGINT), now it is categorical (VARCHAR)")
    moment = column(ColumnKind.SKIPPED, reason="columns of type TIMESTAMP are not compared; derive a number or a text")
    pairs = [
        (profile(100, number), profile(100, number)),
        (profile(100, number), profile(0)),
        (profile(100, number), profile(100)),
        (profile(100, number), profile(100, skipped)),
        (profile(100, moment), profile(100, moment)),
        dest(),
    ]
    for reference, current in pairs:
        yield from (c.message for c in drift.evaluate(reference, current))
    few = TableProfile(table="flights", rows=100, clusters=12)
    yield from (c.message for c in drift.evaluate(profile(100, number), few))
    yield from (c.message for c in trailing.evaluate([profile(100, number)] * 4, profile(100, number)))
    yield "The store holds no profile named 'january'; it holds 'flights-january'."  # compared with the code above


def dest():
    """Two profiles whose destinations moved."""
    from airflow_provider_aiguard.core.profile import ColumnKind, ColumnProfile, TableProfile

    def of(*counts):
        levels = tuple(str(i) for i in range(len(counts)))
        rows = sum(counts)
        column = ColumnProfile(
            name="dest", kind=ColumnKind.CATEGORICAL, type="VARCHAR", rows=rows, levels=levels, counts=counts
        )
        return TableProfile(table="flights", rows=rows, columns={"dest": column})

    return of(9000, 1000), of(8000, 2000)


# Operators


def doors():
    """Every public operator and sensor, as Airflow is told of them."""
    info = get_provider_info()
    modules = [m for kind in ("operators", "sensors") for group in info[kind] for m in group["python-modules"]]
    for module in modules:
        for name, cls in vars(importlib.import_module(module)).items():
            if inspect.isclass(cls) and cls.__module__ == module and name.endswith(("Operator", "Sensor")):
                yield f"{module.removeprefix('airflow_provider_aiguard.')}.{name}"


OTHER_DOORS = [
    "decorators.inference.DecoratedInferenceOperator",
    "operators.provenance.AIStep",
    "operators.provenance.TrainingStep",
]


@pytest.mark.parametrize("door", [*doors(), *OTHER_DOORS])
def test_every_door_has_a_page_with_its_parameters_and_an_example(door):
    pages = [f.page for f in FENCES if f.language == "{parameters}"]
    assert len(pages) >= 12
    directive = f"```{{parameters}} {door}\n"
    (page,) = [p for p in PAGES if directive in p.read_text("utf-8")]
    examples = re.findall(r"\{literalinclude\} \S*dags/(\w+\.py)", page.read_text("utf-8"))
    used = "@task.inference(" if "Decorated" in door else f"{door.rpartition('.')[2]}("
    assert any(used in (REPOSITORY / "dags" / example).read_text("utf-8") for example in examples), examples


def test_every_example_dag_is_in_the_docs_whole():
    included = "\n".join(p.read_text("utf-8") for p in PAGES)
    for example in (REPOSITORY / "dags").glob("example_*.py"):
        mark = example.stem.removeprefix("example_")
        assert f"dags/{example.name}\n" in included
        assert f"[START {mark}]" in included
        text = example.read_text("utf-8")
        assert text.count(f"# [START {mark}]") == text.count(f"# [END {mark}]") == 1


# Numbers


def test_the_defaults_shown_are_the_defaults():
    shown = {row[0].strip("`"): row[1:] for row in tables("guards/drift.md") if row[0].strip("`") in MIN_EFFECT}
    for test, low in MIN_EFFECT.items():
        assert float(re.match(r"[\d.]+", shown[test][0])[0]) == low
        must = re.match(r"[\d.]+", shown[test][1])
        assert (float(must[0]) if must else None) == MUST_SEE.get(test)


def test_the_rows_that_drift_needs_are_computed():
    from airflow_provider_aiguard.stats.detectable import detectable_ks, detectable_share, detectable_tv

    def just(sees, rows):
        return sees(rows) and not sees(rows - 1)

    needed = [row for row in tables("guards/drift.md") if len(row) == 6 and row[0].split()[0] in {"5", "13", "47"}]
    assert len(needed) == 3
    for row in needed:
        alpha = 0.05 / int(row[0].split()[0])
        ks, tv, nulls, more_nulls, half_nulls = (int(cell) for cell in row[1:])
        assert just(lambda n, a=alpha: detectable_ks(n, n, a) <= MUST_SEE["ks"], ks)
        assert just(lambda n, a=alpha: detectable_tv(n, n, 9, a) <= MUST_SEE["categories"], tv)
        assert just(lambda n, a=alpha: detectable_share(0.0, n, n, a) <= MUST_SEE["nulls"], nulls)
        assert just(lambda n, a=alpha: detectable_share(0.02, n, n, a) <= MUST_SEE["nulls"], more_nulls)
        assert just(lambda n, a=alpha: detectable_share(0.5, n, n, a) <= MUST_SEE["nulls"], half_nulls)


def test_the_changes_that_drift_sees_are_computed():
    from airflow_provider_aiguard.stats.detectable import detectable_ks, detectable_share, detectable_tv, shift_in_sd

    alpha = 0.05 / 13
    rows = [row for row in tables("guards/drift.md") if len(row) == 4 and row[1].endswith(" sd")]
    assert len(rows) == 3
    for size, sd, moved, points in rows:
        n = int(size.replace(",", ""))
        assert float(sd.split()[0]) == round(shift_in_sd(detectable_ks(n, n, alpha)), 2)
        assert float(moved.split()[0]) == pytest.approx(100 * detectable_tv(n, n, 9, alpha), abs=0.05)
        assert float(points.split()[0]) == pytest.approx(100 * detectable_share(0.0, n, n, alpha), rel=0.3)


def test_the_accuracies_that_breach_are_computed():
    from airflow_provider_aiguard.stats.clopper_pearson import clopper_pearson

    rows = [row for row in tables("guards/ground_truth.md") if len(row) == 2 and row[0].replace(",", "").isdigit()]
    assert len(rows) == 5
    for labels, accuracy in rows:
        n = int(labels.replace(",", ""))
        hits = round(float(accuracy) * n)
        assert clopper_pearson(hits, n)[1] < 0.8 <= clopper_pearson(hits + 1, n)[1]


def test_expected_false_alarms_are_alpha_times_checks():
    rows = [row for row in tables("guards/drift.md") if row[-1].startswith("at most")]
    assert len(rows) == 3
    for tables_checked, *cells in rows:
        for alpha, cell in zip((0.05, 0.01, 0.001), cells, strict=True):
            assert float(cell.removeprefix("at most ")) == pytest.approx(int(tables_checked) * 30 * alpha)


# Names


def test_the_store_page_names_the_stores_tables():
    from airflow_provider_aiguard.store import schema
    from airflow_provider_aiguard.store.schema import VERSION_TABLE

    shown = set(re.findall(r"^\| `(aiguard_\w+)` \|", text_of("store.md"), re.MULTILINE))
    assert shown == set(schema.metadata.tables) - {VERSION_TABLE}


def test_the_stores_revision_shown_is_the_newest():
    from airflow_provider_aiguard.store.revision import HEAD

    assert f"The store is at revision {HEAD}." in text_of("store.md")


def test_production_names_what_the_compose_file_has():
    compose = (REPOSITORY / "docker-compose.yaml").read_text("utf-8")
    page = text_of("production.md")
    services = set(yaml.safe_load(compose)["services"])
    assert {name for name in services if f"`{name}`" in page} == services
    assert set(re.findall(r"`(AIGUARD_\w+)`", page)) == set(re.findall(r"\$\{(AIGUARD_\w+)", compose))


def test_the_metrics_shown_are_those_that_are_sent():
    source = "\n".join(p.read_text("utf-8") for p in (REPOSITORY / "airflow_provider_aiguard").rglob("*.py"))
    shown = set(re.findall(r"^\| `(aiguard\.\w+)` \|", text_of("production.md"), re.MULTILINE))
    assert shown == set(re.findall(r'count\("(aiguard\.\w+)"', source))


def test_the_words_for_provenance_and_confidence_are_the_codes():
    from airflow_provider_aiguard.core.outputs import OutputType
    from airflow_provider_aiguard.core.provenance import ConfidenceSource, Provenance

    first = [row[0].strip("`") for row in tables("concepts.md")]
    assert set(Provenance) | set(ConfidenceSource) <= set(first)
    types = {re.sub(r'.*"(\w+)"`$', r"\1", row[0]) for row in tables("operators/inference.md")}
    assert set(OutputType) <= types


def test_contributing_has_every_floor_and_names_only_files_that_are_there():
    text = (REPOSITORY / "CONTRIBUTING.md").read_text("utf-8")
    pyproject = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))
    layers = pyproject["tool"]["importlinter"]["contracts"][0]["layers"]
    floors = {name for layer in layers for name in re.split(r"\s*\|\s*", layer) if "(" not in name}
    shown = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`[^|]*) \|", text, re.MULTILINE))))
    assert floors <= shown
    paths = re.findall(r"`((?:airflow_provider_aiguard|tests|docs|dags)/[\w/.]*)`", text)
    assert len(paths) > 15
    assert [p for p in paths if not (REPOSITORY / p).exists()] == []


# Pages


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", linked.read_text("utf-8"), re.MULTILINE)
            assert anchor in {slug(heading) for heading in headings}, target


def slug(heading):
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_page_names_a_machine(page):
    assert re.findall(r"/(?:work|home|root|tmp|Users)/\S*", page.read_text("utf-8")) == []


def test_every_page_can_be_reached_from_the_index():
    toctrees = {}
    for page in DOCS.rglob("*.md"):
        if "_build" not in page.parts:
            entries = re.findall(r"\{toctree\}\n:hidden:\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
            toctrees[page] = [page.parent / f"{name}.md" for block in entries for name in block.split()]
    reached, todo = set(), [DOCS / "index.md"]
    while todo:
        reached.add(page := todo.pop())
        todo += toctrees[page]
    assert reached == set(toctrees)


def test_the_readme_is_one_screen_and_has_what_a_reader_looks_for():
    text = (REPOSITORY / "README.md").read_text("utf-8")
    assert len(text.splitlines()) <= ONE_SCREEN
    for part in ("make demo", "make test", "pip install airflow-provider-aiguard", "docs/_static/report.png", "@dag"):
        assert text.count(part) == 1, part


def test_the_former_name_of_the_openlineage_provider_is_said_once():
    assert sum(p.read_text("utf-8").count("openlineage-airflow") for p in PAGES) == 1


def test_images_are_small_and_used():
    images = [p for p in (DOCS / "_static").iterdir() if p.suffix == ".png"]
    assert images
    for image in images:
        assert image.stat().st_size < MAX_IMAGE_BYTES
        assert any(image.name in p.read_text("utf-8") for p in PAGES)

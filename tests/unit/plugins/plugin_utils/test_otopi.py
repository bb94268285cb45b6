"""The reader of OTOPI answer files against what the original reader makes of the same files, and against any text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.node0.hosted_engine.plugins.plugin_utils import _otopi

MEASURED = Path(__file__).resolve().parents[3] / "fixtures" / "host" / "answer-files"
FILES: dict[str, Any] = json.loads((MEASURED / "files.json").read_text())
# What each file must be told, besides what is in it.
SAID = {
    "duplicate-key": {"answers.duplicate"},
    "duplicate-section": {"answers.duplicate"},
    "no-section": {"answers.no_section"},
    "wrong-section": {"answers.section"},
    "section-upper": {"answers.section"},
    "bom": {"answers.bom"},
    "bom-comment-first": {"answers.bom"},
    "multi-line-str": {"answers.lines"},
    "colon-in-key": {"answers.type"},
    "value-empty": {"answers.type"},
    "key-without-value": {"answers.no_value"},
    "type-missing": {"answers.type"},
    "type-unknown": {"answers.type"},
    "bad-int": {"answers.type"},
    "quotes": {"answers.type"},
    "tabs": {"answers.swallowed"},
}
ANY_TEXT = st.text(
    alphabet=st.one_of(
        st.sampled_from("[]=:;#\n\r\t {}%\\/'\"\ufeff\x00"), st.sampled_from("environment:default"), st.characters()
    ),
    max_size=300,
)
KEYS = st.from_regex(r"OVEHOSTED_[A-Z]{1,8}/[a-zA-Z0-9_]{1,20}", fullmatch=True)
ONE_LINE = st.text(
    st.characters(min_codepoint=33, exclude_characters="\x7f\x85\u2028\u2029", exclude_categories=["Cs", "Zs"])
)
LIST_ITEMS = st.text(st.characters(min_codepoint=60, max_codepoint=126), min_size=1, max_size=20)
VALUES = st.one_of(st.none(), st.booleans(), st.integers(), ONE_LINE, st.lists(LIST_ITEMS, max_size=4))


def _file(name: str) -> str | None:
    found = next((path for path in (MEASURED / "files").glob(f"{name}.conf*")), None)
    return None if found is None else found.read_bytes().decode()


def _environment(*texts: str) -> dict[str, dict[str, Any]]:
    merged = _otopi.merge(_otopi.parse(text, str(number)).entries for number, text in enumerate(texts))
    return {key: {"type": entry.type, "value": entry.value} for key, (_rank, entry) in merged.items()}


@pytest.mark.parametrize(
    "case", json.loads((MEASURED / "typed-values.json").read_text()), ids=lambda case: case["text"]
)
def test_a_typed_value_is_read_as_the_original_reads_it(case: dict[str, Any]) -> None:
    if "error" in case:
        with pytest.raises(_otopi.TypedValueError):
            _otopi.parse_value(case["text"])
    else:
        assert _otopi.parse_value(case["text"]) == (case["type"], case["value"])


@pytest.mark.parametrize("name", [name for name in FILES if (MEASURED / "files" / f"{name}.conf").exists()])
def test_a_file_is_read_as_the_original_reads_it(name: str) -> None:
    text = _file(name)
    assert text is not None
    if "exception" not in FILES[name]:
        assert _environment(text) == FILES[name]["environment"]
    else:
        # The original dies at the first mistake; what it had read by then is read here too.
        assert FILES[name]["environment"].items() <= _environment(text).items()
    assert {found.id for found in _otopi.parse(text, name).findings} == SAID.get(name, set())


@pytest.mark.parametrize("name", ["bom", "bom-comment-first", "crlf", "nul"])
def test_a_file_with_strange_bytes_is_read_as_the_original_reads_it(name: str) -> None:
    text = _file(name)
    assert text is not None
    assert _environment(text) == FILES[name]["environment"]
    assert {found.id for found in _otopi.parse(text, name).findings} == SAID.get(name, set())


def test_a_later_file_wins_within_a_section() -> None:
    texts = [_file("ordinary"), _file("second")]
    expected = FILES["two-files-appended (ordinary:duplicate later)"]["environment"]
    assert _environment(*[text for text in texts if text]) == expected


def test_a_stronger_section_wins_over_a_later_file() -> None:
    strong = "[environment:override]\nA/x=str:strong\n"
    assert _environment(strong, "[environment:default]\nA/x=str:later\n")["A/x"]["value"] == "strong"


def test_each_finding_names_its_line() -> None:
    text = "# first\n[environment:default]\nA/x=str:1\n\nA/y=int:z\nA/x=str:2\nA/b=bool:no\n"
    found = {finding.id: finding.source for finding in _otopi.parse(text, "a.conf").findings}
    assert found == {
        "answers.type": "a.conf:5 (A/y)",
        "answers.duplicate": "a.conf:6 (A/x)",
        "answers.bool": "a.conf:7 (A/b)",
    }


def test_a_file_without_a_line_end_may_have_been_cut() -> None:
    found = _otopi.parse("[environment:default]\nA/x=str:half", "a.conf").findings
    assert [(one.id, one.source, one.severity) for one in found] == [("answers.cut", "a.conf:2", "warn")]


@given(ANY_TEXT)
@settings(max_examples=400, deadline=None)
def test_no_text_makes_the_reader_fail(text: str) -> None:
    parsed = _otopi.parse(text, "any")
    assert all(entry.line >= 0 for entry in parsed.entries)


@given(st.dictionaries(KEYS, VALUES, max_size=8))
@settings(max_examples=200, deadline=None)
def test_what_is_written_is_read_back(environment: dict[str, Any]) -> None:
    parsed = _otopi.parse(_otopi.render(environment, ["a comment"]), "made")
    assert {entry.key: entry.value for entry in parsed.entries} == environment
    assert not [found for found in parsed.findings if found.severity == "block"]


@pytest.mark.parametrize("value", ["two\nlines", "blank at the end ", ["a", "# comment"], ["", "b"], "bell\x07"])
def test_what_the_grammar_cannot_carry_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="A/x"):
        _otopi.render({"A/x": value})

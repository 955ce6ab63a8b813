"""The node.toml of a node brought back says what its record says, whatever that is."""

from __future__ import annotations

import tomllib
from datetime import date, datetime, time

from hypothesis import given
from hypothesis import strategies as st

from fusionpipe.build.nodetext import node_text
from fusionpipe.params import canonical_params
from fusionstore.contract import FullRecord, JsonObject, Record, Standing
from fusionstore.digest import ActionKey, RecordId

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
WHOLE = datetime(2026, 11, 20, 10, 30, 1)  # a local one is what TOML has
SCALARS = st.one_of(
    TEXT,
    st.integers(),
    st.booleans(),
    st.floats(),
    st.sampled_from((date(2026, 11, 20), WHOLE, time(10, 30))),
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3)
)


def written(manifest: JsonObject, **body: str) -> dict[str, object]:
    record = Record(
        RecordId("ab" * 32), ActionKey("cd" * 32), {}, None, None, Standing.REALISATION, 0, 0
    )
    return tomllib.loads(node_text(FullRecord(record, {}, {"manifest": manifest, **body}, {})))


@given(st.dictionaries(TEXT, VALUES, max_size=4))
def test_params_are_read_back_as_they_were(table: dict[str, object]) -> None:
    params = canonical_params(table)
    told = written({"params": params}).get("params", {})
    assert isinstance(told, dict)
    assert params == canonical_params(told)


@given(TEXT, TEXT, st.lists(TEXT, min_size=1, max_size=3))
def test_what_came_from_people_stays_within_its_line(
    name: str, text: str, words: list[str]
) -> None:
    manifest: JsonObject = {
        "entry": ["command", "", [*words]],
        "tool": [text, text],
        "env": {name: text},
        "parents": {name: {text: text}},
        "tools": {name: text},
        "version": text,
        "seed": 7,
        "name": name,
    }
    told = written(manifest, node=name, user=text, host=text)
    assert (words, [name], {name: text}, 7, True) == tuple(
        told[field] for field in ("run", "env", "tools", "seed", "named")
    )
    assert text == told.get("version", "")

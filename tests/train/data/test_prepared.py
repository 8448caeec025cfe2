"""The prepared data set, read back."""

import pytest

from train.console.errors import InputError
from train.data.prepared import load_prepared


def test_omitted_source_is_in_no_split(prepared):
    everything = load_prepared(prepared)
    rest = load_prepared(prepared, omit_source="utkface")
    for split, rows in everything.items():
        others = [source for source in rows["source"] if source != "utkface"]
        assert list(rest[split]["source"]) == others
    assert len(rest["train"]) and len(rest["train"]) < len(everything["train"])


def test_unknown_source_is_named_with_those_that_exist(prepared):
    with pytest.raises(InputError, match=r"fairface, utkface.*'megaage'"):
        load_prepared(prepared, omit_source="megaage")

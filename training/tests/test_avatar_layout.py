"""Descriptors of others, made of ours by a matrix."""

import json

import numpy as np
import pytest

from avatar.layout import fit_layout, write_layout


def test_a_linear_layout_is_found_from_pairs(tmp_path):
    random = np.random.default_rng(0)
    matrix, offset = random.normal(size=(73, 59)), random.normal(size=73)
    matrix[:, 53:] /= 15
    ours = random.uniform(size=(600, 59)) * np.r_[np.ones(53), np.full(6, 15)]

    found, at_rest, explained = fit_layout(ours, ours @ matrix.T + offset)
    write_layout(tmp_path / "layout.json", found, at_rest)

    assert explained > 0.999
    written = json.loads((tmp_path / "layout.json").read_text())
    assert np.shape(written["matrix"]) == (73, 59)
    got = ours @ np.array(written["matrix"]).T + written["offset"]
    assert np.abs(got - (ours @ matrix.T + offset)).mean() < 0.05


def test_too_few_pairs_are_refused():
    with pytest.raises(ValueError, match="expected at least 118 pairs, got 5 and 5"):
        fit_layout(np.zeros((5, 59)), np.zeros((5, 73)))

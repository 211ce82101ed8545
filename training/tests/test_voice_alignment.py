"""Monotonic alignment search against brute force, and the bookkeeping around it."""

from itertools import combinations

import numpy as np
import pytest
import torch

from voice import alignment


def best_path_by_brute_force(score: np.ndarray) -> np.ndarray:
    frames, symbols = score.shape
    paths = []
    for steps in combinations(range(1, frames), symbols - 1):
        path = np.zeros(frames, np.int64)
        for step in steps:
            path[step:] += 1
        paths.append(path)
    return max(paths, key=lambda path: score[np.arange(frames), path].sum())


@pytest.mark.parametrize(("frames", "symbols"), [(1, 1), (5, 1), (4, 4), (7, 3), (9, 5)])
def test_search_finds_the_path_of_highest_likelihood(frames: int, symbols: int) -> None:
    score = np.random.default_rng(frames).normal(size=(1, frames, symbols)).astype(np.float32)

    path = alignment.search(score, np.array([frames]), np.array([symbols]))

    np.testing.assert_array_equal(path[0], best_path_by_brute_force(score[0]))


def test_search_keeps_the_utterances_of_a_padded_batch_apart() -> None:
    score = np.random.default_rng(1).normal(size=(2, 8, 4)).astype(np.float32)

    path = alignment.search(score, np.array([8, 5]), np.array([4, 2]))

    np.testing.assert_array_equal(path[0], best_path_by_brute_force(score[0]))
    np.testing.assert_array_equal(path[1, :5], best_path_by_brute_force(score[1, :5, :2]))


def test_search_refuses_more_symbols_than_frames() -> None:
    with pytest.raises(ValueError, match="at least one frame"):
        alignment.search(np.zeros((1, 3, 4), np.float32), np.array([3]), np.array([4]))


def test_likelihood_agrees_with_the_normal_distribution() -> None:
    z, mean, log_scale = torch.randn(2, 3, 5), torch.randn(2, 3, 4), 0.3 * torch.randn(2, 3, 4)

    score = alignment.log_likelihood(z, mean, log_scale)

    normal = torch.distributions.Normal(mean[:, :, None], log_scale.exp()[:, :, None])
    torch.testing.assert_close(score, normal.log_prob(z[..., None]).sum(1), rtol=1e-4, atol=1e-4)


def test_durations_count_each_symbols_frames() -> None:
    path = torch.tensor([[0, 0, 1, 2, 2, 2], [0, 1, 1, 1, 1, 1]])
    mask = torch.tensor([[1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0]]).float()

    assert alignment.durations(path, mask, 3).tolist() == [[2, 1, 3], [1, 2, 0]]


def test_teacher_penalty_is_zero_inside_a_span_and_grows_outside() -> None:
    penalty = alignment.teacher_penalty(torch.tensor([[2.0, 5.0]]), 5)

    assert penalty[0, :, 0].tolist() == [0, 0, 0.5, 1.5, 2.5]
    assert penalty[0, :, 1].tolist() == [1.5, 0.5, 0, 0, 0]

"""Pitch of teacher speech: normalized cross-correlation and dynamic programming over its peaks (RAPT, Talkin 1995).

Needs no pitch tracker of a library: synthetic speech is clean, and its pitch is known to lie within a narrow range.
"""

import numpy as np

SAMPLE_RATE_HZ = 16_000
HOP = 256
LOWEST_HZ, HIGHEST_HZ = 55.0, 400.0
WIDTH = 480  # samples compared: 30 ms
CANDIDATES = 4
VOICED_FROM = 0.45  # correlation at which voiced and unvoiced cost the same
CHANGE_COST = 0.4  # of switching between voiced and unvoiced
GLIDE_COST = 2.5  # of an octave between two frames
LONG_LAG_COST = 0.12  # of the longest lag: a period's double correlates as well as the period
SILENCE = 2e-3  # root mean square below which nothing is voiced


def contour(audio: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pitch in Hz and whether it is voiced, each [T], of audio float[T*256] in -1…1; frame t is centred on its samples.

    Where speech is unvoiced the pitch goes in a straight line (in logarithm) from one voiced frame to the next; audio
    without any voiced frame has the geometric mean of the range.
    """
    lags, correlations, energy = _correlate(audio)
    strengths, where = _peaks(correlations, lags)
    hertz, voiced = _best_path(strengths, where, energy)
    if not voiced.any():
        return np.full(len(hertz), np.sqrt(LOWEST_HZ * HIGHEST_HZ)), voiced
    frames = np.arange(len(hertz))
    return np.exp(np.interp(frames, frames[voiced], np.log(hertz[voiced]))), voiced


def clarity(audio: np.ndarray) -> np.ndarray:
    """How well the voiced frames of audio float[T*256] correlate with what comes one period later: at most 1."""
    lags, correlations, energy = _correlate(audio)
    hertz, voiced = _best_path(*_peaks(correlations, lags), energy)
    nearest = np.rint(SAMPLE_RATE_HZ / hertz - lags[0]).astype(np.int64).clip(0, len(lags) - 1)
    return correlations[np.arange(len(hertz)), nearest][voiced]


def _correlate(audio: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    shortest, longest = int(SAMPLE_RATE_HZ / HIGHEST_HZ), int(np.ceil(SAMPLE_RATE_HZ / LOWEST_HZ))
    lags = np.arange(shortest - 1, longest + 2)
    span = WIDTH + lags[-1]
    frames = len(audio) // HOP
    before = (span - HOP) // 2
    padded = np.pad(audio.astype(np.float64), (before, span))
    # the pair of windows lies symmetrically around the frame's centre for a lag in the middle of the range
    pieces = np.lib.stride_tricks.sliding_window_view(padded, span)[::HOP][:frames]
    size = 1 << int(np.ceil(np.log2(span + WIDTH)))
    whole = np.fft.rfft(pieces, size)
    head = np.fft.rfft(pieces[:, :WIDTH], size)
    products = np.fft.irfft(whole * head.conj(), size)[:, lags]
    squares = np.pad(np.cumsum(pieces**2, axis=1), ((0, 0), (1, 0)))
    powers = squares[:, lags + WIDTH] - squares[:, lags]
    reference = squares[:, WIDTH, None]
    correlations = products / np.sqrt(np.maximum(powers * reference, 1e-9))
    return lags, correlations, np.sqrt(squares[:, -1] / span)


def _peaks(correlations: np.ndarray, lags: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The strongest local maxima of each frame: strengths [T, CANDIDATES] (-1 where there are fewer) and lags."""
    left, middle, right = correlations[:, :-2], correlations[:, 1:-1], correlations[:, 2:]
    penalty = LONG_LAG_COST * lags[1:-1] / lags[-1]
    score = np.where((middle >= left) & (middle > right), middle - penalty, -1.0)
    best = np.argpartition(-score, CANDIDATES, axis=1)[:, :CANDIDATES]
    a, b, c = (np.take_along_axis(x, best, 1) for x in (left, middle, right))
    curvature = a - 2 * b + c
    offset = np.where(np.abs(curvature) > 1e-9, 0.5 * (a - c) / np.where(curvature == 0, 1, curvature), 0.0)
    return np.take_along_axis(score, best, 1), lags[1:-1][best] + offset.clip(-1, 1)


def _best_path(strengths: np.ndarray, lags: np.ndarray, energy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    frames, count = strengths.shape
    octaves = np.log2(np.maximum(lags, 1.0))
    quiet = energy < SILENCE
    # the last state is unvoiced
    local = np.concatenate([1 - strengths, np.full((frames, 1), 1 - VOICED_FROM)], axis=1)
    local[quiet, :count] = 9.0
    total = local[0]
    came = np.zeros((frames, count + 1), np.int8)
    for t in range(1, frames):
        step = np.full((count + 1, count + 1), CHANGE_COST)
        step[:count, :count] = GLIDE_COST * np.abs(octaves[t - 1][:, None] - octaves[t][None])
        step[count, count] = 0.0
        paths = total[:, None] + step
        came[t] = paths.argmin(0)
        total = paths.min(0) + local[t]
    state = np.empty(frames, np.int64)
    state[-1] = total.argmin()
    for t in range(frames - 1, 0, -1):
        state[t - 1] = came[t, state[t]]
    voiced = state < count
    chosen = lags[np.arange(frames), np.minimum(state, count - 1)]
    return SAMPLE_RATE_HZ / np.maximum(chosen, 1.0), voiced

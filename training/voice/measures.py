"""How near one recording of a sentence is to another, without listening: cepstral distortion, pitch, noise.

Two speakers of the same text are aligned in time first. All sound is int16 PCM at 16 kHz, on a grid of 256 samples.
"""

from dataclasses import dataclass

import numpy as np

from voice.pitch import HOP, clarity, contour
from voice.spectrum import FLOOR, mel_filters

FFT = 1024
BANDS, COEFFICIENTS = 40, 24
DECIBELS = 10 / np.log(10) * np.sqrt(2)  # of a distance between cepstra (Kubichek 1993)


@dataclass(frozen=True)
class Comparison:
    """Sums over aligned frames, so that comparisons of sentences can be added."""

    frames: int
    cepstral_db: float  # sum of the frames' mel-cepstral distortions, without the level
    voiced_frames: int  # voiced in both
    squared_hertz: float
    voicing_errors: int  # voiced in one of them only

    def __add__(self, other: "Comparison") -> "Comparison":
        return Comparison(*(a + b for a, b in zip(vars(self).values(), vars(other).values(), strict=True)))

    def figures(self) -> dict[str, float]:
        """The means, by the names that manifests use."""
        return {
            "melCepstralDistortionDb": round(self.cepstral_db / self.frames, 2),
            "pitchErrorHz": round(float(np.sqrt(self.squared_hertz / max(1, self.voiced_frames))), 1),
            "voicingError": round(self.voicing_errors / self.frames, 4),
        }


def compare(made: np.ndarray, real: np.ndarray) -> Comparison:
    """Compare two recordings of one sentence, warped in time by their cepstra; silence at the ends is cut."""
    made, real = trim(made), trim(real)
    a, b = mel_cepstrum(made), mel_cepstrum(real)
    distance = np.sqrt(np.maximum(0, (a**2).sum(1)[:, None] + (b**2).sum(1)[None] - 2 * a @ b.T))
    rows, columns = warp(distance)
    made_hertz, made_voiced = (x[rows] for x in contour(made / 32768))
    real_hertz, real_voiced = (x[columns] for x in contour(real / 32768))
    both = made_voiced & real_voiced
    return Comparison(
        frames=len(rows),
        cepstral_db=float(DECIBELS * distance[rows, columns].sum()),
        voiced_frames=int(both.sum()),
        squared_hertz=float(((made_hertz - real_hertz)[both] ** 2).sum()),
        voicing_errors=int((made_voiced != real_voiced).sum()),
    )


def harmonics_to_noise_db(pcm: np.ndarray) -> float:
    """Median over the clearly voiced frames of 10 log10(r / (1 - r)), r the correlation with one period later
    (Boersma 1993). White noise in a voice lowers it, and so does a rough or shaking pitch."""
    r = clarity(pcm / 32768)
    r = np.clip(r[r > 0.6], 0, 0.9999)
    return float(np.median(10 * np.log10(r / (1 - r)))) if len(r) else float("nan")


def trim(pcm: np.ndarray, threshold: float = 0.01) -> np.ndarray:
    """Cut the silence at both ends, in whole frames."""
    pcm = pcm[: len(pcm) // HOP * HOP]
    loud = np.flatnonzero(np.abs(pcm.reshape(-1, HOP).astype(np.float64)).max(1) > threshold * 32768)
    return pcm[loud[0] * HOP : (loud[-1] + 1) * HOP] if len(loud) else pcm


def mel_cepstrum(pcm: np.ndarray) -> np.ndarray:
    """Cepstral coefficients 1 to 24 of 40 mel bands, whose natural logarithm is the sum of coefficients times cosines:
    float[T, 24] of T*256 samples."""
    window = np.hanning(FFT)
    padded = np.pad(pcm.astype(np.float64) / 32768, (FFT - HOP) // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, FFT)[::HOP]
    bands = np.abs(np.fft.rfft(frames * window)) @ mel_filters(BANDS).T.astype(np.float64)
    k = np.arange(1, COEFFICIENTS + 1)[:, None]
    cosines = np.cos(np.pi * k * (np.arange(BANDS) + 0.5)[None] / BANDS) * 2 / BANDS
    return np.log(bands + FLOOR) @ cosines.T


def warp(distance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The cheapest path through float[A, B] from corner to corner, by steps of one in either or both: rows, columns."""
    a, b = distance.shape
    total = np.full((a + 1, b + 1), np.inf)
    total[0, 0] = 0
    # along anti-diagonals, whose cells do not depend on each other
    for d in range(2, a + b + 1):
        i = np.arange(max(1, d - b), min(a, d - 1) + 1)
        j = d - i
        before = np.minimum(np.minimum(total[i - 1, j], total[i, j - 1]), total[i - 1, j - 1])
        total[i, j] = distance[i - 1, j - 1] + before
    path = [(a, b)]
    while path[-1] != (1, 1):
        i, j = path[-1]
        path.append(min(((i - 1, j - 1), (i - 1, j), (i, j - 1)), key=lambda cell: total[cell]))
    rows, columns = np.array(path[::-1]).T - 1
    return rows, columns

"""The flow p_i = f(n_i; p_{i-K..i-1}, a_{i-τ..i+τ}) that drives PIRenderer (Ren et al., ICCV 2021) by sound.

One call gives one video frame.

    pcm ─ log-mel ─┬─ convolutions ─ lips condition ─ lips flow (9 channels) ──┬─ decode ─ 59 values
                   └─ convolutions ┬ face condition ─ face flow (13 channels) ─┘
    history ─ encode ─ dense ──────┘ (and the last three lips to the lips condition)
    noise ─ 9 to the lips flow, 13 to the face flow, 4 dice to the face condition

Each flow is a conditional affine step and Glow steps (actnorm, invertible linear map, conditional affine coupling), so
the log-likelihood is exact. Two flows and not one, because lips want less temperature than the rest.
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from motion import space
from motion.teacher import ACCENT_ABOVE, BLINK_ABOVE, BLINK_WITH_SACCADE_ABOVE, DICE, HOME_ABOVE, SACCADE_ABOVE

SAMPLE_RATE_HZ = 16_000
FRAME_SAMPLES = 640
HOP_SAMPLES = 160
FFT_SAMPLES = 400
MEL_BANDS = 40
PAST_FRAMES = 6
LOOKAHEAD_SAMPLES = 2560
WINDOW_SAMPLES = PAST_FRAMES * FRAME_SAMPLES + FRAME_SAMPLES + LOOKAHEAD_SAMPLES
WINDOW_HOPS = (WINDOW_SAMPLES - FFT_SAMPLES) // HOP_SAMPLES + 1
HISTORY_FRAMES = 48
RECENT_FRAMES = 8  # seen one by one; all are seen as means of four
LIP_HISTORY_FRAMES = 3
POWER_FLOOR = 10**-4.5  # of full scale: quieter windows are not brought up to speech level
LIPS, FACE = len(space.LIPS), len(space.FACE)
USED_NOISE = LIPS + FACE + len(DICE)  # of the 59 values
TEMPERATURE = 0.8  # the default of the server; dice are scaled back so that events keep their rate at it
LIP_TEMPERATURE = 0.5


@dataclass(frozen=True)
class Config:
    """Widths of the network. The defaults are the exported model."""

    lip_audio: int = 128
    face_audio: int = 48
    hidden: int = 256
    coupling: int = 128
    lip_steps: int = 3
    face_steps: int = 6


def mel_filters() -> np.ndarray:
    """float32[bands, bins]: triangles equally spaced in mel (O'Shaughnessy) from 60 to 7600 Hz, each of unit sum."""
    hertz = np.arange(FFT_SAMPLES // 2 + 1) * SAMPLE_RATE_HZ / FFT_SAMPLES
    edges = 700 * (10 ** (np.linspace(*(2595 * np.log10(1 + np.array([60, 7600]) / 700)), MEL_BANDS + 2) / 2595) - 1)
    rise = (hertz - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    fall = (edges[2:, None] - hertz) / (edges[2:] - edges[1:-1])[:, None]
    triangles = np.maximum(0, np.minimum(rise, fall))
    return (triangles / triangles.sum(1, keepdims=True)).astype(np.float32)


class MelPower(nn.Module):
    """float32[batch, samples] in -1…1 → mel power float32[batch, bands, hops]; the transform is a convolution."""

    def __init__(self) -> None:
        super().__init__()
        time = np.arange(FFT_SAMPLES)
        angle = 2 * np.pi * np.arange(FFT_SAMPLES // 2 + 1)[:, None] * time / FFT_SAMPLES
        window = np.hanning(FFT_SAMPLES + 1)[:-1]
        waves = np.concatenate([np.cos(angle), np.sin(angle)]) * window * (2 / window.sum())
        self.register_buffer("waves", torch.tensor(waves[:, None], dtype=torch.float32), persistent=False)
        self.register_buffer("filters", torch.tensor(mel_filters())[:, :, None], persistent=False)

    def forward(self, pcm: Tensor) -> Tensor:
        wave = F.conv1d(pcm[:, None], self.waves, stride=HOP_SAMPLES)
        real, imaginary = wave.chunk(2, 1)
        return F.conv1d(real * real + imaginary * imaginary, self.filters)


def normalise(power: Tensor) -> Tensor:
    """Mel power [batch, bands, hops] of one window → features [batch, bands + 1, hops], nearly free of the gain."""
    level = power.sum(1, keepdim=True).mean(2, keepdim=True) + POWER_FLOOR
    bands = torch.log(MEL_BANDS * power / level + 1e-3)
    loud = torch.log10(level).expand(-1, 1, power.shape[2])
    return torch.cat([bands / 3 + 1, loud / 2 + 1], 1)


class AudioEncoder(nn.Module):
    """Features [batch, bands + 1, hops] → [batch, outputs]; `width` channels inside."""

    def __init__(self, width: int, outputs: int):
        super().__init__()
        c = width
        self.layers = nn.Sequential(
            nn.Conv1d(MEL_BANDS + 1, c, 5, stride=2, padding=2),
            nn.GELU(approximate="tanh"),
            nn.Conv1d(c, c, 3, stride=2, padding=1),
            nn.GELU(approximate="tanh"),
            nn.Conv1d(c, c, 3, stride=2, padding=1),
            nn.GELU(approximate="tanh"),
            nn.Flatten(),
            nn.LazyLinear(outputs),
        )

    def forward(self, features: Tensor) -> Tensor:
        return self.layers(features)


def dense(inputs: int, hidden: int, outputs: int, *, silent: bool = False) -> nn.Sequential:
    """Two-layer perceptron; `silent` starts with zero output, so that a fresh flow step is the identity."""
    last = nn.Linear(hidden, outputs)
    if silent:
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
    return nn.Sequential(nn.Linear(inputs, hidden), nn.GELU(approximate="tanh"), last)


class ActNorm(nn.Module):
    """Per-dimension scale and bias, set by the first batch to give zero mean and unit variance."""

    def __init__(self, size: int):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(size))
        self.log_scale = nn.Parameter(torch.zeros(size))
        self.register_buffer("ready", torch.tensor(False))

    def forward(self, x: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        if self.training and not self.ready:
            with torch.no_grad():
                self.bias.copy_(x.mean(0))
                self.log_scale.copy_(-torch.log(x.std(0) + 1e-3))
                self.ready.fill_(True)
        return (x - self.bias) * torch.exp(self.log_scale), self.log_scale.sum().expand(len(x))

    def inverse(self, y: Tensor, condition: Tensor) -> Tensor:
        return y * torch.exp(-self.log_scale) + self.bias


class InvertibleLinear(nn.Module):
    """y = P L (U + diag(s)) x, Glow's LU form: the log-determinant is a sum."""

    def __init__(self, size: int, seed: int):
        super().__init__()
        start = torch.linalg.qr(torch.randn(size, size, generator=torch.Generator().manual_seed(seed)))[0]
        permutation, lower, upper = torch.linalg.lu(start)
        self.register_buffer("permutation", permutation)
        self.register_buffer("sign", torch.sign(torch.diagonal(upper)))
        self.log_scale = nn.Parameter(torch.log(torch.abs(torch.diagonal(upper))))
        self.lower = nn.Parameter(torch.tril(lower, -1))
        self.upper = nn.Parameter(torch.triu(upper, 1))
        self.inverted: Tensor | None = None

    def weight(self) -> Tensor:
        eye = torch.eye(len(self.sign), device=self.sign.device)
        lower = torch.tril(self.lower, -1) + eye
        upper = torch.triu(self.upper, 1) + torch.diag(self.sign * torch.exp(self.log_scale))
        return self.permutation @ lower @ upper

    def forward(self, x: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        return x @ self.weight().T, self.log_scale.sum().expand(len(x))

    def freeze(self) -> None:
        """Computes the inverse matrix once; ONNX has no operator for it."""
        self.inverted = torch.linalg.inv(self.weight().detach().double()).float()

    def inverse(self, y: Tensor, condition: Tensor) -> Tensor:
        inverse = torch.linalg.inv(self.weight()) if self.inverted is None else self.inverted
        return y @ inverse.T


class ConditionalAffine(nn.Module):
    """y = (x − μ(condition)) / σ(condition)."""

    def __init__(self, size: int, condition: int, hidden: int):
        super().__init__()
        self.net = dense(condition, hidden, 2 * size, silent=True)

    def _terms(self, condition: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_deviation = self.net(condition).chunk(2, 1)
        return mean, 6 * torch.tanh(log_deviation / 6)

    def forward(self, x: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_deviation = self._terms(condition)
        return (x - mean) * torch.exp(-log_deviation), -log_deviation.sum(1)

    def inverse(self, y: Tensor, condition: Tensor) -> Tensor:
        mean, log_deviation = self._terms(condition)
        return y * torch.exp(log_deviation) + mean


class Coupling(nn.Module):
    """Affine coupling: the first half and the condition say how to scale and shift the second."""

    def __init__(self, size: int, condition: int, hidden: int):
        super().__init__()
        self.kept = size // 2
        self.net = dense(self.kept + condition, hidden, 2 * (size - self.kept), silent=True)

    def _terms(self, kept: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        shift, log_scale = self.net(torch.cat([kept, condition], 1)).chunk(2, 1)
        return shift, 2 * torch.tanh(log_scale / 2)

    def forward(self, x: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        kept, changed = x[:, : self.kept], x[:, self.kept :]
        shift, log_scale = self._terms(kept, condition)
        return torch.cat([kept, changed * torch.exp(log_scale) + shift], 1), log_scale.sum(1)

    def inverse(self, y: Tensor, condition: Tensor) -> Tensor:
        kept, changed = y[:, : self.kept], y[:, self.kept :]
        shift, log_scale = self._terms(kept, condition)
        return torch.cat([kept, (changed - shift) * torch.exp(-log_scale)], 1)


class Flow(nn.Module):
    """Invertible map between motion (scaled channels) and standard normal noise, given a condition."""

    def __init__(self, size: int, condition: int, steps: int, config: Config):
        super().__init__()
        self.size = size
        layers: list[nn.Module] = [ConditionalAffine(size, condition, config.hidden)]
        for i in range(steps):
            layers += [ActNorm(size), InvertibleLinear(size, i), Coupling(size, condition, config.coupling)]
        self.layers = nn.ModuleList(layers)

    def forward(self, x: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Motion [batch, size] → noise [batch, size] and log |det ∂noise/∂motion| [batch]."""
        total = x.new_zeros(len(x))
        for layer in self.layers:
            x, log_det = layer(x, condition)
            total = total + log_det
        return x, total

    def inverse(self, noise: Tensor, condition: Tensor) -> Tensor:
        for layer in reversed(self.layers):
            noise = layer.inverse(noise, condition)
        return noise

    def log_likelihood(self, x: Tensor, condition: Tensor) -> Tensor:
        """log p(x | condition) in nats, [batch]."""
        noise, log_det = self(x, condition)
        return log_det - 0.5 * (noise * noise).sum(1) - 0.5 * self.size * np.log(2 * np.pi)


class MotionFlow(nn.Module):
    """Both flows with their conditions, working on channels; `scale` and `spread` make channels and histories unit-
    sized.
    """

    def __init__(self, config: Config = Config()):
        super().__init__()
        self.config = config
        channels = LIPS + FACE
        self.register_buffer("persist", torch.tensor([c.persist for c in space.CHANNELS]).T.contiguous())
        self.register_buffer("spread", torch.ones(channels))
        self.register_buffer("fastest", torch.ones(2, channels))
        self.register_buffer("surprise_low", torch.full((channels,), -1e3))
        self.register_buffer("surprise_high", torch.full((channels,), 1e3))
        self.register_buffer("scale", torch.ones(channels))
        self.register_buffer("gates", torch.tensor(GATES, dtype=torch.float32), persistent=False)
        lip_history = LIP_HISTORY_FRAMES * LIPS
        face_history = RECENT_FRAMES * FACE + 2 * FACE + HISTORY_FRAMES // 4 * FACE
        h = config.hidden
        # the face's likelihood is sharp and its gradients are large: the lips listen with ears of their own
        self.lip_audio = AudioEncoder(config.lip_audio, h)
        self.face_audio = AudioEncoder(config.face_audio, h // 2)
        self.lip_condition = nn.Sequential(
            nn.GELU(approximate="tanh"), dense(h + lip_history, h, h), nn.GELU(approximate="tanh")
        )
        self.face_history = nn.Sequential(nn.Linear(face_history, h), nn.GELU(approximate="tanh"))
        self.face_condition = nn.Sequential(
            dense(h // 2 + h + len(DICE) + len(GATES), h, h), nn.GELU(approximate="tanh")
        )
        self.lip_flow = Flow(LIPS, h, config.lip_steps, config)
        self.face_flow = Flow(FACE, h + len(DICE) + len(GATES), config.face_steps, config)

    def dice_features(self, dice: Tensor) -> Tensor:
        """Dice and, as soft switches, whether each passed the limits that the teacher plays by."""
        which, limit = self.gates[:, 0].long(), self.gates[:, 1]
        return torch.cat([dice, torch.sigmoid(20 * (dice[:, which] - limit))], 1)

    def lip_parameters(self) -> list[nn.Parameter]:
        """The weights that only the lips' likelihood depends on; the others are the face's."""
        return [p for name, p in self.named_parameters() if name.startswith("lip_")]

    def conditions(self, features: Tensor, history: Tensor, dice: Tensor) -> tuple[Tensor, Tensor]:
        """features [batch, bands + 1, hops], history [batch, K, channels], dice [batch, 4] → conditions of lips and
        face.
        """
        past = history / self.spread
        lips = past[:, -LIP_HISTORY_FRAMES:, :LIPS].flatten(1)
        face = torch.clamp(past[:, :, LIPS:], -4, 4)
        moving = face[:, -1] - face[:, -2]
        bending = moving - (face[:, -2] - face[:, -3])
        means = face.unflatten(1, (-1, 4)).mean(2)
        # slow channels change by hundredths of their spread a frame: bring differences to the size of the rest
        face_past = torch.cat(
            [
                face[:, -RECENT_FRAMES:].flatten(1),
                torch.clamp(10 * moving, -5, 5),
                torch.clamp(60 * bending, -5, 5),
                means.flatten(1),
            ],
            1,
        )
        thrown = self.dice_features(dice)
        lip_condition = self.lip_condition(torch.cat([self.lip_audio(features), lips], 1))
        face_condition = self.face_condition(
            torch.cat([self.face_audio(features), self.face_history(face_past), thrown], 1)
        )
        return lip_condition, torch.cat([face_condition, thrown], 1)

    def expected(self, history: Tensor) -> Tensor:
        """Where each channel goes by itself: nowhere, on from where it is, or back to rest like a damped spring.

        Velocity and acceleration are limited to what was seen, so that no jump in the history flings the head about.
        """
        last, before, earlier = history[:, -1], history[:, -2], history[:, -3]
        velocity, bend = last - before, last - 2 * before + earlier
        velocity = torch.clamp(velocity, -self.fastest[0], self.fastest[0])
        bend = torch.clamp(bend, -self.fastest[1], self.fastest[1])
        first, second, third = self.persist.unbind(0)
        return (first + second + third) * last - (second + 2 * third) * velocity + third * bend

    def log_likelihood(self, features: Tensor, history: Tensor, dice: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Log-likelihoods [batch] of the lips and of the face in `target` [batch, channels], in nats of scaled
        channels.
        """
        lip_condition, face_condition = self.conditions(features, history, dice)
        x = (target - self.expected(history)) / self.scale
        return (
            self.lip_flow.log_likelihood(x[:, :LIPS], lip_condition),
            self.face_flow.log_likelihood(x[:, LIPS:], face_condition),
        )

    def sample(self, features: Tensor, history: Tensor, lip_noise: Tensor, face_noise: Tensor, dice: Tensor) -> Tensor:
        """Next channels [batch, channels]; nothing moves or turns round faster than in training, a flow's tails are not
        data.
        """
        lip_condition, face_condition = self.conditions(features, history, dice)
        x = torch.cat(
            [self.lip_flow.inverse(lip_noise, lip_condition), self.face_flow.inverse(face_noise, face_condition)], 1
        )
        surprise = torch.clamp(x * self.scale, self.surprise_low, self.surprise_high)
        last, velocity = history[:, -1], history[:, -1] - history[:, -2]
        step = surprise + self.expected(history) - last
        for about, most in ((velocity, self.fastest[1]), (torch.zeros_like(velocity), self.fastest[0])):
            step = torch.minimum(torch.maximum(step, about - most), about + most)
        return last + step


GATES = (
    (DICE.index("blink"), BLINK_ABOVE),
    (DICE.index("blink"), BLINK_WITH_SACCADE_ABOVE),
    (DICE.index("saccade"), SACCADE_ABOVE),
    (DICE.index("home"), HOME_ABOVE),
    (DICE.index("accent"), ACCENT_ABOVE),
)


class Step(nn.Module):
    """The exported graph: sound window, shown descriptors and noise to the next descriptor, all float32, batch 1.

    pcm [1, 7040] in -1…1, history [1, 48, 59] oldest first, noise [1, 59] = standard normal × temperature → motion [1,
    59].
    """

    def __init__(self, flow: MotionFlow):
        super().__init__()
        self.flow = flow
        self.mel = MelPower()
        for module in flow.modules():
            if isinstance(module, InvertibleLinear):
                module.freeze()
        gain = torch.ones(USED_NOISE)
        gain[:LIPS] = LIP_TEMPERATURE / TEMPERATURE
        gain[LIPS + FACE :] = 1 / TEMPERATURE
        self.register_buffer("gain", gain)
        for name, value in (
            ("read", space.READ), ("low", space.LOW), ("high", space.HIGH), ("up", space.UP), ("down", space.DOWN),
            ("shown_low", space.DESCRIPTOR_LOW), ("shown_high", space.DESCRIPTOR_HIGH),
        ):  # fmt: skip
            self.register_buffer(name, torch.tensor(value))

    def forward(self, pcm: Tensor, history: Tensor, noise: Tensor) -> Tensor:
        features = normalise(self.mel(pcm))
        past = torch.clamp(history @ self.read.T, self.low, self.high)
        scaled = noise[:, :USED_NOISE] * self.gain
        lip_noise, face_noise, dice = scaled.split([LIPS, FACE, len(DICE)], 1)
        channels = self.flow.sample(features, past, lip_noise, face_noise, dice)
        shown = torch.relu(channels) @ self.up.T + torch.relu(-channels) @ self.down.T
        return torch.clamp(shown, self.shown_low, self.shown_high)

"""VITS: conditional variational autoencoder with adversarial learning for end-to-end speech (Kim et al. 2021, arXiv
2106.06103), in a size that trains on a CPU.

Departures from the paper for size or speed: 96 channels, 4 text and 8 posterior layers, log instead of raw magnitudes
into the posterior encoder; the text encoder always reads the whole utterance, the rest trains on windows of it. For a
clear voice within hours: a prior that moves within a symbol (`frame_prior`), and a decoder that is given the pitch and
filters it (`source`, `filter_decoder`); the paper's HiFi-GAN is a choice of the configuration."""

import math
from dataclasses import dataclass

import torch
from torch import nn

from common.text import SYMBOLS
from voice import alignment
from voice.data import Batch
from voice.decoder import HifiGanDecoder
from voice.duration import DurationPredictor
from voice.filter_decoder import FilterDecoder
from voice.flow import Flow
from voice.frame_prior import FramePrior, places
from voice.masks import length_mask, masked
from voice.source import excite
from voice.spectrum import BINS, HOP, Spectrograms
from voice.text_encoder import TextEncoder
from voice.wavenet import WaveNet

# Less than the paper's 0.667 and 0.8: the teacher says the same text always in the same way, so noise blurs the words.
NOISE_SCALE = 0.4
DURATION_NOISE_SCALE = 0.2
DECODERS = {"filter": FilterDecoder, "hifigan": HifiGanDecoder}


@dataclass
class VoiceConfig:
    """Sizes of the voice."""

    symbols: int = len(SYMBOLS)
    latent: int = 96  # channels of z
    prior_layers: int = 6
    hidden: int = 96  # of the text encoder, the flow and the posterior encoder
    filters: int = 384  # of the text encoder's feed-forward layers
    heads: int = 2
    text_layers: int = 4
    posterior_layers: int = 8
    duration_hidden: int = 96
    decoder: str = "filter"  # or "hifigan", the paper's
    decoder_channels: int = 192  # after the decoder's first convolution
    segment: int = 32  # frames that the decoder trains on
    speakers: int = 1
    speaker_channels: int = 32  # of what is known of a speaker when there are several


class PosteriorEncoder(nn.Module):
    """Log spectrogram [B, 513, T] → mean and log scale of z, each [B, latent, T] (section 2.5.1)."""

    def __init__(self, config: VoiceConfig, speaker: int):
        super().__init__()
        self.pre = nn.Conv1d(BINS, config.hidden, 1)
        self.body = WaveNet(config.hidden, 5, config.posterior_layers, speaker)
        self.project = nn.Conv1d(config.hidden, 2 * config.latent, 1)

    def forward(
        self, spectrum: torch.Tensor, mask: torch.Tensor | None, speaker: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        hidden = self.body(masked(self.pre(spectrum), mask), mask, speaker)
        mean, log_scale = masked(self.project(hidden), mask).float().chunk(2, dim=1)
        return mean, log_scale


@dataclass
class Pass:
    """What one training pass gives to the losses. Audio is [B, segment * 256], the rest [B, C, T] and [B, 1, T]."""

    made: torch.Tensor
    real: torch.Tensor
    prior_z: torch.Tensor
    posterior_log_scale: torch.Tensor
    mean: torch.Tensor
    log_scale: torch.Tensor
    symbol_mean: torch.Tensor  # the same of each frame's symbol, for the alignment
    symbol_log_scale: torch.Tensor
    log_pitch: torch.Tensor  # [B, T]
    voiced: torch.Tensor  # logits [B, T]
    mask: torch.Tensor
    duration_loss: torch.Tensor | None  # nats a symbol
    durations: torch.Tensor  # [B, N] frames of the window's symbols, from the search


class Voice(nn.Module):
    """The whole generator; the posterior encoder is for training only.

    Of several speakers it only trains; `one_speaker` takes out a voice that speaks."""

    def __init__(self, config: VoiceConfig):
        super().__init__()
        self.config = config
        self.duration_scale = 1.0  # set by `evaluate.load_voice`
        self.text = TextEncoder(
            config.symbols, config.latent, config.hidden, config.filters, config.heads, config.text_layers
        )
        speaker = config.speaker_channels if config.speakers > 1 else 0
        self.duration = DurationPredictor(config.hidden, config.duration_hidden, speaker=speaker)
        self.prior = FramePrior(config.latent, config.hidden, layers=config.prior_layers, speaker=speaker)
        self.posterior = PosteriorEncoder(config, speaker)
        self.flow = Flow(config.latent, config.hidden, speaker=speaker)
        self.decoder = DECODERS[config.decoder](config.latent, config.decoder_channels, speaker)
        self.speakers = nn.Embedding(config.speakers, speaker) if speaker else None
        self.spectrograms = Spectrograms()

    def forward(
        self, batch: Batch, teacher_weight: float, autocast: torch.autocast, with_durations: bool = True
    ) -> Pass:
        """One training pass. `teacher_weight` pulls the search towards the teacher's timing; 0 leaves it free."""
        frames = int(batch.frames.max())
        mask = length_mask(batch.frames, frames)  # [B, T]
        text_mask = length_mask(batch.lengths, batch.phonemes.shape[1])
        spectrum = self.spectrograms.linear(batch.audio)
        speaker = None if self.speakers is None else self.speakers(batch.speaker)[:, :, None]
        with autocast:
            hidden, mean, log_scale = self.text(batch.phonemes, text_mask)
            posterior_mean, posterior_log_scale = self.posterior(spectrum, mask[:, None], speaker)
            z = (posterior_mean + torch.randn_like(posterior_mean) * posterior_log_scale.exp()) * mask[:, None]
            prior_z = self.flow(z, mask[:, None], speaker).float()

        # the symbols inside the window: [B, C, P] -> [B, C, N]
        width = int(batch.symbols.max())
        index = (batch.first[:, None] + torch.arange(width, device=mask.device)).clamp(max=text_mask.shape[1] - 1)

        def inside(x: torch.Tensor) -> torch.Tensor:
            return x.float().gather(2, index[:, None].expand(-1, x.shape[1], -1))

        hidden, mean, log_scale = inside(hidden), inside(mean), inside(log_scale)
        symbol_mask = length_mask(batch.symbols, width)
        path = self.align(prior_z, mean, log_scale, batch, teacher_weight)
        durations = alignment.durations(path, mask, width)
        duration_loss = None
        if with_durations:
            # detached, as in section 2.2.2: the durations must not shape the text encoder
            known = None if speaker is None else speaker.detach()
            nll = self.duration.loss(hidden.detach(), symbol_mask[:, None], durations[:, None], known)
            duration_loss = nll.sum() / symbol_mask.sum()

        def of_frames(x: torch.Tensor) -> torch.Tensor:
            return x.gather(2, path[:, None].expand(-1, x.shape[1], -1))

        with autocast:
            frame_mean, frame_log_scale, log_pitch, voiced = self.prior(
                of_frames(hidden), places(durations, path), mask[:, None], speaker
            )

        start = (torch.rand(len(mask), device=mask.device) * (batch.frames - self.config.segment + 1)).long()
        made = self.decode_segment(z, batch, start, autocast, speaker)
        samples = start[:, None] * HOP + 384 + torch.arange(self.config.segment * HOP, device=mask.device)
        return Pass(
            made=made,
            real=batch.audio.gather(1, samples),
            prior_z=prior_z,
            posterior_log_scale=posterior_log_scale,
            mean=frame_mean,
            log_scale=frame_log_scale,
            symbol_mean=of_frames(mean),
            symbol_log_scale=of_frames(log_scale),
            log_pitch=log_pitch,
            voiced=voiced,
            mask=mask[:, None],
            duration_loss=duration_loss,
            durations=durations,
        )

    @torch.no_grad()
    def align(
        self, prior_z: torch.Tensor, mean: torch.Tensor, log_scale: torch.Tensor, batch: Batch, teacher_weight: float
    ) -> torch.Tensor:
        """Monotonic alignment search over the window: the symbol of each frame, int64[B, T]."""
        score = alignment.log_likelihood(prior_z, mean, log_scale)
        if teacher_weight > 0:
            score = score - teacher_weight * alignment.teacher_penalty(batch.teacher_ends, score.shape[1])
        path = alignment.search(score.cpu().numpy(), batch.frames.cpu().numpy(), batch.symbols.cpu().numpy())
        return torch.from_numpy(path).to(prior_z.device)

    def decode_segment(
        self,
        z: torch.Tensor,
        batch: Batch,
        start: torch.Tensor,
        autocast: torch.autocast,
        speaker: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Decode `segment` frames of z from frame `start` on, with the teacher's pitch: [B, segment * 256]."""
        index = start[:, None] + torch.arange(self.config.segment, device=z.device)
        source = excite(
            batch.log_pitch.gather(1, index),
            batch.voiced.gather(1, index),
            torch.rand(len(z), device=z.device, dtype=torch.float64),
            torch.randn(len(z), self.config.segment * HOP, device=z.device),
        )
        with autocast:
            latent = z.gather(2, index[:, None].expand(-1, z.shape[1], -1))
            return self.decoder(latent, source, speaker).squeeze(1).float()

    def log_durations(self, hidden: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """What synthesis takes: natural logarithms of frames [1, 1, P], from noise [1, 2, P]."""
        return self.duration.sample(hidden, None, noise) + math.log(self.duration_scale)

    @torch.no_grad()
    def speak(
        self,
        phonemes: torch.Tensor,
        noise_scale: float = NOISE_SCALE,
        duration_noise_scale: float = DURATION_NOISE_SCALE,
        generator: torch.Generator | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Speak symbols int64[1, P] as the server does: audio float[samples] and frames of each symbol int64[P]."""
        hidden, _, _ = self.text(phonemes, None)
        noise = torch.randn(1, 2, phonemes.shape[1], generator=generator) * duration_noise_scale
        frames = self.log_durations(hidden, noise).exp().ceil().clamp(min=1).long()[0, 0]
        path = torch.repeat_interleave(torch.arange(len(frames)), frames)[None]
        mean, log_scale, log_pitch, voiced = self.prior(hidden[:, :, path[0]], places(frames[None].float(), path), None)
        prior = mean + torch.randn(mean.shape, generator=generator) * log_scale.exp() * noise_scale
        source = excite(
            log_pitch,
            (voiced > 0).float(),
            torch.zeros(1, dtype=torch.float64),
            torch.randn(1, mean.shape[2] * HOP, generator=generator),
        )
        return self.decoder(self.flow.inverse(prior, None), source)[0, 0], frames

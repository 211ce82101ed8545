"""Writes the small random-weight voices that the tests of other projects' formats load.

    pip install transformers==5.23.0
    python -m foreign.export_fixtures ../test/fixtures/voices

The parts are those of the published VITS in `transformers` (Kim et al. 2021 with the stochastic duration predictor),
put together and exported with `torch.onnx` as each project does it: same inputs and outputs, names of weights and order
of steps. Only the sizes are small and the weights random. Each graph is written as NAME.onnx.gz.
"""

import argparse
import gzip
import io
from collections.abc import Callable
from pathlib import Path

import onnx
import torch
from torch import nn
from torch.nn import functional as F
from transformers import VitsConfig, VitsModel

HIDDEN = 8
SYMBOLS = 256  # as many as Piper has
SLOPE = 0.1


def config(**changes: object) -> VitsConfig:
    """A VITS of the published structure and tiny width."""
    sizes: dict[str, object] = dict(
        vocab_size=SYMBOLS, hidden_size=HIDDEN, num_hidden_layers=1, num_attention_heads=2, ffn_dim=HIDDEN,
        flow_size=HIDDEN, spectrogram_bins=9, duration_predictor_filter_channels=HIDDEN,
        duration_predictor_num_flows=2, depth_separable_num_layers=2, prior_encoder_num_flows=2,
        prior_encoder_num_wavenet_layers=2, posterior_encoder_num_wavenet_layers=1,
        upsample_initial_channel=16, upsample_rates=[8, 8, 2, 2], upsample_kernel_sizes=[16, 16, 4, 4],
        resblock_kernel_sizes=[3, 7, 11], resblock_dilation_sizes=[[1, 3, 5]] * 3, layerdrop=0.0,
    )  # fmt: skip
    return VitsConfig(**(sizes | changes))


class ResidualBlock2(nn.Module):
    """HiFi-GAN's small residual block (Kong et al. 2020), which Piper's low and medium voices use: two convolutions."""

    def __init__(self, channels: int, kernel: int, dilations: tuple[int, ...]):
        super().__init__()
        self.convs = nn.ModuleList(
            nn.Conv1d(channels, channels, kernel, dilation=d, padding=d * (kernel - 1) // 2) for d in dilations
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for conv in self.convs:
            x = x + conv(F.leaky_relu(x, SLOPE))
        return x


class MediumDecoder(nn.Module):
    """The decoder of Piper's low and medium voices: upsampling 8, 8, 4 and residual blocks of kernels 3, 5, 7."""

    def __init__(self, latent: int, channels: int, speaker: int):
        super().__init__()
        widths = [channels >> i for i in range(4)]
        self.conv_pre = nn.Conv1d(latent, channels, 7, padding=3)
        self.ups = nn.ModuleList(
            nn.ConvTranspose1d(a, b, k, r, padding=(k - r) // 2)
            for a, b, k, r in zip(widths, widths[1:], (16, 16, 8), (8, 8, 4), strict=False)
        )
        shapes = ((3, (1, 2)), (5, (2, 6)), (7, (3, 12)))
        self.resblocks = nn.ModuleList(ResidualBlock2(w, k, d) for w in widths[1:] for k, d in shapes)
        self.conv_post = nn.Conv1d(widths[-1], 1, 7, padding=3, bias=False)
        self.cond = nn.Conv1d(speaker, channels, 1) if speaker else None

    def forward(self, z: torch.Tensor, g: torch.Tensor | None = None) -> torch.Tensor:
        x = self.conv_pre(z)
        if self.cond is not None:
            x = x + self.cond(g)
        for i, up in enumerate(self.ups):
            x = up(F.leaky_relu(x, SLOPE))
            x = sum(block(x) for block in self.resblocks[3 * i : 3 * i + 3]) / 3
        return torch.tanh(self.conv_post(F.leaky_relu(x)))


class Vits(nn.Module):
    """The generator under the names that the paper's own code gives its parts."""

    def __init__(self, sizes: VitsConfig, medium: bool = False, tones: int = 0):
        super().__init__()
        model = randomized(VitsModel(sizes))
        self.enc_p, self.dp, self.flow = model.text_encoder, model.duration_predictor, model.flow
        self.dec = MediumDecoder(sizes.flow_size, 16, sizes.speaker_embedding_size) if medium else model.decoder
        self.emb_g = model.embed_speaker if sizes.num_speakers > 1 else None
        self.emb_tone = nn.Embedding(tones, sizes.hidden_size) if tones else None

    def forward(
        self,
        x: torch.Tensor,
        lengths: torch.Tensor,
        noise_scale: torch.Tensor,
        length_scale: torch.Tensor,
        noise_scale_w: torch.Tensor,
        sid: torch.Tensor | None = None,
        tones: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Symbols int64[1, P] → audio float[1, 1, S]."""
        mask = (torch.arange(x.shape[1])[None] < lengths[:, None]).float()
        g = None if self.emb_g is None else self.emb_g(sid).unsqueeze(-1)
        embedded = self.enc_p
        if self.emb_tone is not None:
            hidden = (embedded.embed_tokens(x) + self.emb_tone(tones)) * HIDDEN**0.5
            hidden = embedded.encoder(hidden_states=hidden, padding_mask=mask[..., None], attention_mask=mask)[0]
            stats = embedded.project(hidden.transpose(1, 2)).transpose(1, 2) * mask[..., None]
            means, log_scales = stats.split(HIDDEN, dim=2)
        else:
            encoded = embedded(input_ids=x, padding_mask=mask[..., None], attention_mask=mask)
            hidden, means, log_scales = encoded.last_hidden_state, encoded.prior_means, encoded.prior_log_variances
        x_mask = mask[:, None]
        logw = self.dp(hidden.transpose(1, 2), x_mask, g, reverse=True, noise_scale=noise_scale_w)
        w_ceil = torch.ceil(torch.exp(logw) * x_mask * length_scale)
        y_lengths = torch.clamp_min(torch.sum(w_ceil, [1, 2]), 1).long()
        frames = torch.arange(y_lengths.max())[None]
        y_mask = (frames < y_lengths[:, None]).unsqueeze(1).float()
        # the monotonic path of the durations: [1, T, P]
        ends = torch.cumsum(w_ceil, -1).transpose(1, 2)
        path = (torch.arange(y_mask.shape[-1])[None, None] < ends).float()
        path = (path - F.pad(path, [0, 0, 1, 0])[:, :-1]).transpose(1, 2)
        m_p = torch.matmul(path, means).transpose(1, 2)
        logs_p = torch.matmul(path, log_scales).transpose(1, 2)
        z_p = m_p + torch.randn_like(m_p) * torch.exp(logs_p) * noise_scale
        z = self.flow(z_p, y_mask, g, reverse=True)
        return self.dec(z * y_mask, g)


def randomized(model: VitsModel) -> VitsModel:
    """Every weight random, so that a fault in any of them is heard; the durations about three frames a symbol."""
    model.eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            # what training starts at zero, and biases; the durations' own layers stay small
            if weight.abs().max() == 0:
                weight.normal_(0.0, 0.05 if name.startswith("duration") else 0.2)
            weight.copy_(weight.bfloat16().float())  # compresses better
        # log durations = (z - translate) * exp(-log_scale), about log 3
        affine = model.duration_predictor.flows[0]
        affine.log_scale.fill_(2.0)
        affine.translate.fill_(-8.0)
    return model


class Piper(nn.Module):
    """rhasspy/piper and OHF-Voice/piper1-gpl, export_onnx.py."""

    def __init__(self, vits: Vits):
        super().__init__()
        self.enc_p, self.dp, self.flow, self.dec, self.emb_g = vits.enc_p, vits.dp, vits.flow, vits.dec, vits.emb_g
        self.emb_tone = None

    def forward(self, x, lengths, scales, sid=None):
        return Vits.forward(self, x, lengths, scales[0], scales[1], scales[2], sid)


class Melo(nn.Module):
    """MeloTTS as k2-fsa/sherpa-onnx exports it, scripts/melo-tts/export-onnx.py."""

    def __init__(self, vits: Vits):
        super().__init__()
        self.enc_p, self.dp, self.flow, self.dec = vits.enc_p, vits.dp, vits.flow, vits.dec
        self.emb_g, self.emb_tone = vits.emb_g, vits.emb_tone

    def forward(self, x, lengths, tones, sid, noise_scale, length_scale, noise_scale_w):
        return Vits.forward(self, x, lengths, noise_scale, length_scale, noise_scale_w, sid, tones)


class Transformers(nn.Module):
    """VitsModelForTextToWaveform as huggingface/optimum exports it: noise and speed are constants."""

    def __init__(self, model: VitsModel):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask):
        made = self.model(input_ids=input_ids, attention_mask=attention_mask, return_dict=True)
        return made.waveform, made.spectrogram


def export(
    module: nn.Module,
    inputs: dict[str, torch.Tensor],
    outputs: dict[str, dict[int, str]],
    path: Path,
    metadata: dict[str, object] | None = None,
) -> None:
    """Export by tracing, opset 15, as all of these projects do, and compress."""
    lengths = {name: {1: "phonemes"} for name, value in inputs.items() if value.dim() == 2}
    buffer = io.BytesIO()
    with torch.no_grad():
        torch.onnx.export(
            module.eval(), tuple(inputs.values()), buffer, opset_version=15, dynamo=False,
            input_names=list(inputs), output_names=list(outputs), dynamic_axes=lengths | outputs,
        )  # fmt: skip
    model = onnx.load_from_string(buffer.getvalue())
    for key, value in (metadata or {}).items():
        model.metadata_props.add(key=key, value=str(value))
    for node in model.graph.node:
        node.ClearField("doc_string")
    path.write_bytes(gzip.compress(model.SerializeToString(), 9, mtime=0))
    print(f"{path}: {path.stat().st_size} bytes, {len(model.graph.node)} nodes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    audio = {0: "batch_size", 2: "time"}
    x, lengths = torch.randint(1, 60, (1, 21)), torch.tensor([21])
    one: Callable[[float], torch.Tensor] = lambda value: torch.tensor([value])  # noqa: E731
    scales = {"noise_scale": one(0.667), "length_scale": one(1.0), "noise_scale_w": one(0.8)}
    sid = torch.tensor([0])
    speakers = dict(num_speakers=3, speaker_embedding_size=4)

    torch.manual_seed(1)
    inputs = {"input": x, "input_lengths": lengths, "scales": torch.tensor([0.667, 1.0, 0.8])}
    export(Piper(Vits(config(), medium=True)), inputs, {"output": audio}, out / "piper.onnx.gz")
    export(Piper(Vits(config(**speakers))), inputs | {"sid": sid}, {"output": audio}, out / "piper-speakers.onnx.gz")
    export(
        Vits(config(vocab_size=80)),
        {"x": x, "x_length": lengths, **scales},
        {"y": audio},
        out / "sherpa.onnx.gz",
        {"model_type": "vits", "comment": "ljspeech", "language": "English", "add_blank": 1, "n_speakers": 0,
         "sample_rate": 22050, "punctuation": "; : , . ! ? ¡ ¿ — … « » “ ”"},
    )  # fmt: skip
    export(
        Melo(Vits(config(vocab_size=80, **speakers), tones=12)),
        {"x": x, "x_lengths": lengths, "tones": torch.randint(0, 5, (1, 21)), "sid": sid, **scales},
        {"y": audio},
        out / "melo.onnx.gz",
        {"model_type": "melo-vits", "comment": "melo", "version": 2, "language": "Chinese + English", "add_blank": 1,
         "n_speakers": 1, "jieba": 1, "sample_rate": 44100, "speaker_id": 1, "lang_id": 3, "tone_start": 0,
         "description": "MeloTTS is a high-quality multi-lingual text-to-speech library by MyShell.ai"},
    )  # fmt: skip
    mms = randomized(VitsModel(config(vocab_size=38)))
    export(
        Transformers(mms),
        {"input_ids": x % 38, "attention_mask": torch.ones_like(x)},
        {"waveform": {1: "n_samples"}, "spectrogram": {2: "num_frames"}},
        out / "mms.onnx.gz",
    )


if __name__ == "__main__":
    main()

"""The whole voice in tiny: it trains, resumes exactly, and its graphs run in windows and in onnxruntime."""

from pathlib import Path

import numpy as np
import pytest
import torch

from common.checkpoint import resume, save_checkpoint
from common.golden import check_equal, run_onnx
from tests.tiny_voice import TINY, tiny_corpus, tiny_trainer
from voice.data import HOP, Corpus
from voice.export import (
    ROUNDING,
    EncoderGraph,
    FilterGraph,
    FlowGraph,
    Lane,
    PriorGraph,
    check_stream,
    context_frames,
    remove_weight_norm,
    window_error,
)
from voice.filter_decoder import BANDS, RATE
from voice.model import Voice
from voice.streaming import StreamingFilters


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    return tiny_corpus(tmp_path)


def tiny_voice() -> Voice:
    torch.manual_seed(0)
    voice = Voice(TINY).eval()
    remove_weight_norm(voice)
    with torch.no_grad():
        for parameter in voice.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return voice.requires_grad_(False)


def test_windows_hold_whole_symbols(corpus: Corpus) -> None:
    batch = corpus.draw(np.random.default_rng(3), 8, 48)

    assert (batch.frames <= 48).all()
    assert torch.equal(batch.frames, batch.symbols * 4)
    assert batch.audio.shape[1] == int(batch.frames.max()) * HOP + 768
    assert (batch.first + batch.symbols <= batch.lengths).all()


def test_training_goes_on_after_a_restart_as_if_nothing_had_happened(corpus: Corpus, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    whole = tiny_trainer(corpus)
    losses = [whole.step() for _ in range(4)]

    first = tiny_trainer(corpus)
    for _ in range(2):
        first.step()
    save_checkpoint(tmp_path / "run", first.parts, {"step": first.done})
    second = tiny_trainer(corpus)
    second.done = resume(tmp_path / "run", second.parts)["step"]
    resumed = [second.step() for _ in range(2)]

    assert resumed == losses[2:]
    for a, b in zip(whole.ema.model.parameters(), second.ema.model.parameters(), strict=True):
        assert torch.equal(a, b)


def test_speaking_gives_as_many_samples_as_frames() -> None:
    audio, frames = tiny_voice().speak(torch.randint(1, 70, (1, 12)))

    assert len(frames) == 12
    assert len(audio) == int(frames.sum()) * HOP


def test_windows_with_the_measured_context_equal_the_whole() -> None:
    voice = tiny_voice()
    flow, shaper = FlowGraph(voice), FilterGraph(voice.decoder)
    drawn = torch.randn(1, 8, 100)
    filters, source = torch.randn(1, 2 * BANDS, 60 * RATE) - 2, torch.randn(1, 2, 60 * HOP)

    context = context_frames(flow, [Lane(8)], 1)

    assert context == 32  # 4 couplings of 4 layers with kernel 5
    assert window_error(flow, [(drawn, 1)], 1, context) <= ROUNDING
    assert window_error(shaper, [(filters, RATE), (source, HOP)], HOP, 2) <= ROUNDING
    assert window_error(shaper, [(filters, RATE), (source, HOP)], HOP, 0) > ROUNDING


@torch.no_grad()
def test_filters_made_in_pieces_equal_the_whole() -> None:
    decoder = tiny_voice().decoder
    graph = StreamingFilters(decoder)
    latent = torch.randn(1, 8, 70)

    assert check_stream(graph, decoder, latent) == 24
    alone, *_ = graph(latent[:, :, :1], torch.tensor([1, 1]))
    assert torch.allclose(alone, decoder.filters(latent[:, :, :1]), atol=1e-6)


@pytest.mark.filterwarnings("ignore")
def test_the_exported_encoder_takes_any_length(tmp_path: Path) -> None:
    graph = EncoderGraph(tiny_voice()).eval()
    names = ["hidden", "log_duration"]
    torch.onnx.export(
        graph,
        (torch.randint(1, 70, (1, 9)), torch.randn(1, 2, 9)),
        str(tmp_path / "encoder.onnx"),
        input_names=["phonemes", "duration_noise"],
        output_names=names,
        dynamic_axes={"phonemes": {1: "P"}, "duration_noise": {2: "P"}, **{name: {2: "P"} for name in names}},
        opset_version=17,
        dynamo=False,
    )

    for length in (3, 9, 40):
        phonemes, noise = torch.randint(1, 70, (1, length)), torch.randn(1, 2, length)
        expected = {name: tensor.numpy() for name, tensor in zip(names, graph(phonemes, noise), strict=True)}
        inputs = {"phonemes": phonemes.numpy(), "duration_noise": noise.numpy()}
        check_equal(expected, run_onnx(tmp_path / "encoder.onnx", inputs))


@pytest.mark.filterwarnings("ignore")
def test_the_exported_prior_takes_any_length(tmp_path: Path) -> None:
    graph = PriorGraph(tiny_voice()).eval()
    names = ["mean", "log_scale", "pitch"]
    torch.onnx.export(
        graph,
        (torch.randn(1, 16, 9), torch.rand(1, 3, 9)),
        str(tmp_path / "prior.onnx"),
        input_names=["hidden", "places"],
        output_names=names,
        dynamic_axes={name: {2: "T"} for name in ["hidden", "places", *names]},
        opset_version=17,
        dynamo=False,
    )

    for length in (1, 9, 40):
        hidden, place = torch.randn(1, 16, length), torch.rand(1, 3, length)
        expected = {name: tensor.numpy() for name, tensor in zip(names, graph(hidden, place), strict=True)}
        check_equal(expected, run_onnx(tmp_path / "prior.onnx", {"hidden": hidden.numpy(), "places": place.numpy()}))

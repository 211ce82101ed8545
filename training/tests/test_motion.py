"""The motion flow: exact likelihood, the teacher's lips, resume, and an export that equals PyTorch."""

from pathlib import Path

import numpy as np
import pytest
import torch

from common.golden import run_onnx
from common.speech import PAUSE
from motion import space
from motion.data import Clip, build, make_clip, mel_power
from motion.evaluate import reached
from motion.export import NAMES, golden_inputs, write_onnx
from motion.generate import generate, windows
from motion.model import (
    FACE,
    HISTORY_FRAMES,
    LIPS,
    MEL_BANDS,
    WINDOW_HOPS,
    Config,
    Flow,
    MelPower,
    MotionFlow,
    Step,
    normalise,
)
from motion.teacher import BILABIAL, DICE, Segment, loudness, perform
from motion.train import Training, train

SMALL = Config(lip_audio=16, face_audio=16, hidden=32, coupling=16, lip_steps=2, face_steps=2)


def small_flow(seed: int = 0) -> MotionFlow:
    """An untrained flow whose steps are not the identity."""
    torch.manual_seed(seed)
    flow = MotionFlow(SMALL).eval()
    features = torch.zeros(1, MEL_BANDS + 1, WINDOW_HOPS)
    flow.conditions(features, torch.zeros(1, HISTORY_FRAMES, LIPS + FACE), torch.zeros(1, len(DICE)))
    with torch.no_grad():
        for parameter in flow.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return flow


def speak_phones(*names: str, seconds: float = 0.1) -> tuple[list[Segment], np.ndarray]:
    segments = [Segment(name, i * seconds, (i + 1) * seconds) for i, name in enumerate(names)]
    return segments, (8000 * np.sin(np.arange(int(len(names) * seconds * 16_000)) / 10)).astype(np.int16)


def test_flow_inverts_what_it_maps():
    flow = small_flow().face_flow
    x, condition = torch.randn(5, FACE), torch.randn(5, flow.layers[0].net[0].in_features)
    noise, _ = flow(x, condition)
    assert torch.allclose(flow.inverse(noise, condition), x, atol=1e-4)


@pytest.mark.parametrize("size", [3, 8])
def test_log_determinant_is_that_of_the_jacobian(size: int):
    torch.manual_seed(size)
    flow = Flow(size, 4, 3, SMALL).double().eval()
    with torch.no_grad():
        for parameter in flow.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    x, condition = torch.randn(1, size).double(), torch.randn(1, 4).double()
    jacobian = torch.autograd.functional.jacobian(lambda v: flow(v, condition)[0], x)[0, :, 0]
    assert torch.allclose(torch.linalg.slogdet(jacobian)[1], flow(x, condition)[1][0], atol=1e-6)


def test_actnorm_centres_its_first_batch():
    flow = Flow(6, 4, 1, SMALL).train()
    y, _ = flow.layers[1](5 + 3 * torch.randn(500, 6), torch.zeros(500, 4))
    assert torch.allclose(y.mean(0), torch.zeros(6), atol=1e-4)
    assert torch.allclose(y.std(0), torch.ones(6), atol=1e-2)


def test_channels_survive_being_shown():
    rng = np.random.default_rng(0)
    channels = rng.uniform(space.LOW, space.HIGH, (200, len(space.CHANNELS))).astype(np.float32) * 0.5
    assert np.abs(space.encode(space.decode(channels)) - channels).max() < 1e-5


def test_descriptors_stay_in_range():
    shown = space.decode(np.random.default_rng(0).normal(0, 100, (50, len(space.CHANNELS))))
    assert np.all(shown >= space.DESCRIPTOR_LOW) and np.all(shown <= space.DESCRIPTOR_HIGH)


@pytest.mark.parametrize("phone", ["m", "p", "b"])
def test_teacher_closes_lips(phone: str):
    segments, pcm = speak_phones(PAUSE, "aa", "ae", phone, "aa", "ow", PAUSE)
    motion = perform(segments, pcm, len(pcm) // 640, np.random.default_rng(0)).channels
    frames = range(int(0.29 * 25), int(0.40 * 25) + 1)
    shut = [f for f in frames if motion[f, space.INDEX["press"]] > 0.7]
    assert shut and min(motion[f, space.INDEX["jaw"]] for f in shut) < 0.08
    assert motion[5, space.INDEX["jaw"]] > 0.25


def test_teacher_tucks_the_lip_and_rounds():
    segments, pcm = speak_phones(PAUSE, "aa", "f", "aa", "uw", "uw", PAUSE)
    motion = perform(segments, pcm, len(pcm) // 640, np.random.default_rng(0)).channels
    assert motion[5:8, space.INDEX["tuck"]].max() > 0.8
    assert motion[11:14, space.INDEX["pucker"]].max() > 0.5


def test_teacher_idles_in_silence():
    frames = 6000
    motion = perform([], np.zeros(frames * 640, np.int16), frames, np.random.default_rng(0)).channels
    assert space.decode(motion)[:, space.DESCRIPTOR.index("jawOpen")].max() == 0
    blinks = np.sum(np.diff((motion[:, space.INDEX["blink"]] > 0.5).astype(int)) == 1)
    assert 12 <= blinks / 4 <= 30
    assert 0.8 < motion[:, space.INDEX["yaw"]].std() < 4
    assert np.abs(motion[:, space.INDEX["yaw"]]).max() < 12


def test_loudness_of_silence_is_zero():
    assert not loudness(np.zeros(16_000, np.int16), 100).any()


def test_features_hardly_depend_on_gain():
    torch.manual_seed(0)
    pcm = 0.1 * torch.randn(1, 7040)
    mel = MelPower()
    plain, loud = normalise(mel(pcm)), normalise(mel(3 * pcm))
    assert (plain - loud)[:, :MEL_BANDS].abs().max() < 0.02


def test_mel_power_of_a_full_scale_sine_is_its_squared_amplitude():
    wave = torch.sin(2 * torch.pi * 1000 * torch.arange(7040) / 16_000)[None]
    power = MelPower()(wave)
    assert power.shape == (1, MEL_BANDS, WINDOW_HOPS)
    assert 0.1 < float(power.amax()) <= 1


def test_stored_windows_are_those_of_the_step():
    pcm = (3000 * np.random.default_rng(0).normal(size=640 * 20)).astype(np.int16)
    stored = mel_power(pcm)
    frame = 11
    window = torch.tensor(windows(pcm.astype(np.float32) / 32768)[frame].copy())[None]
    assert np.allclose(
        stored[4 * frame : 4 * frame + WINDOW_HOPS].T, MelPower()(window)[0].numpy(), rtol=1e-3, atol=1e-9
    )


def test_generation_depends_on_seed_only_through_noise():
    step = Step(small_flow()).eval()
    sound = [np.zeros(640 * 6, np.int16)]
    first, again, other = (generate(step, sound, seed)[0] for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert np.array_equal(generate(step, sound, 1, 0.0)[0], generate(step, sound, 2, 0.0)[0])


def test_export_equals_torch(tmp_path: Path):
    step = Step(small_flow()).eval()
    path = tmp_path / "step.onnx"
    write_onnx(step, path)
    for inputs in golden_inputs(step):
        expected = step(*(torch.tensor(inputs[name]) for name in NAMES)).detach().numpy()
        assert np.abs(run_onnx(path, inputs)["motion"] - expected).max() < 1e-4 * np.abs(expected).max()


def test_training_resumes_where_it_stopped(tmp_path: Path, capsys: pytest.CaptureFixture):
    todo = [(["Maybe five women move."], 1), ([], 2)]
    for name in ("train", "valid"):
        build(tmp_path / "data" / f"{name}.npz", todo, processes=1)
    run = tmp_path / "run"
    train(tmp_path / "data", run, Training(steps=2, batch=16, log_every=1), SMALL)
    capsys.readouterr()
    train(tmp_path / "data", run, Training(steps=4, batch=16, log_every=1), SMALL)
    printed = capsys.readouterr().out
    assert "from step 2" in printed
    assert "4 held out" in printed


def test_clip_has_sound_and_motion_of_one_length():
    clip = make_clip(["Hello."], seed=4)
    assert len(clip.pcm) == 640 * len(clip.channels) == 640 * len(clip.dice) == 640 * len(clip.weight)
    assert clip.segments[-1].end <= len(clip.pcm) / 16_000 + 0.05


def test_closure_counts_only_when_reached_near_its_phone():
    clip = Clip(np.zeros(0), [Segment("m", 0.40, 0.48)], np.zeros(0), np.zeros(0), np.zeros(0))
    gap = np.full(25, 8.0)
    assert reached(clip, gap, BILABIAL) == [False]
    gap[11] = 0.5  # its centre is at 0.46 s
    assert reached(clip, gap, BILABIAL) == [True]
    gap[11], gap[15] = 8.0, 0.5
    assert reached(clip, gap, BILABIAL) == [False]


def test_slow_channels_come_back_from_any_history():
    flow = small_flow()
    history = torch.tensor(space.HIGH).expand(1, 3, -1).clone()
    for _ in range(750):
        history = torch.cat([history[:, 1:], flow.expected(history)[:, None]], 1)
    gliding = [space.INDEX[name] for name in space.GLIDE]
    assert history[0, -1, gliding].abs().max() < 1e-2

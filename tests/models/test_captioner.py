"""The captioner against the contract of language models, with images as its condition.

Shapes: B rows, T tokens, V vocabulary, S pixels of a side, F cells of the grid.
"""

import builtins
import sys
import types

import pytest
import torch
from torch import nn

from inkloom.config import build
from inkloom.errors import InputError
from inkloom.models.captioner import Captioner

VOCABULARY, SIDE, WINDOW = 11, 16, 12
SMALL = {"image_size": SIDE, "channels": (8, 8), "width": 16, "heads": 2, "dropout": 0.2}
CASES = [
    {"decoder": "gru"},
    {"decoder": "lstm", "layers": 2},
    {"decoder": "rnn", "attention": False},
    {"decoder": "lstm", "attention": False, "layers": 2},
    {"decoder": "transformer", "layers": 2},
]


def built(**fields):
    torch.manual_seed(1)
    model = Captioner(Captioner.Config(**{**SMALL, **fields}).resolve(WINDOW), VOCABULARY)
    with torch.no_grad():  # away from the start, where some weights are zero
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return model.eval()


def images(rows, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(256, (rows, SIDE, SIDE, 3), dtype=torch.uint8, generator=generator)


def tokens(rows, length, seed=0):
    return torch.randint(VOCABULARY, (rows, length), generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def read(model, tokens_BT, state, cuts=()):
    parts = []
    for piece_BT in tokens_BT.tensor_split(list(cuts), dim=1):
        logits_BTV, state = model(piece_BT, state)
        parts.append(logits_BTV)
    return torch.cat(parts, dim=1), state


def assert_close(actual, expected):
    torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-5)


@pytest.fixture(scope="module", params=CASES, ids=lambda case: "-".join(map(str, case.values())))
def model(request):
    return built(**request.param)


def test_a_window_is_read_as_token_by_token(model):
    tokens_BT = tokens(3, 8)
    whole, _ = read(model, tokens_BT, model.initial_state(3, images(3)))
    stepped, _ = read(model, tokens_BT, model.initial_state(3, images(3)), cuts=range(1, 8))
    assert_close(stepped, whole)


def test_every_row_sees_its_own_image_and_no_other(model):
    tokens_BT = tokens(1, 5).expand(3, -1)
    together, _ = read(model, tokens_BT, model.initial_state(3, images(3)))
    for row in range(3):
        alone, _ = read(model, tokens_BT[:1], model.initial_state(1, [images(3)[row]]))
        assert_close(together[row : row + 1], alone)
    assert (together[0] - together[1]).abs().max() > 1e-2


def test_rows_are_picked_repeated_and_joined(model):
    tokens_BT = tokens(3, 6)
    _, state = read(model, tokens_BT, model.initial_state(3, images(3)))
    _, other = read(model, tokens(1, 3, seed=5), model.initial_state(1, images(1, seed=5)))
    picked = model.select_state(state, torch.tensor([2, 0, 2]))
    joined = model.join_states([picked, other])
    expected = []
    for row in (2, 0, 2):
        _, alone = read(model, tokens_BT[row : row + 1], model.initial_state(1, images(3)[row : row + 1]))
        expected.append(read(model, tokens(1, 4, seed=9), alone)[0])
    _, alone = read(model, tokens(1, 3, seed=5), model.initial_state(1, images(1, seed=5)))
    expected.append(read(model, tokens(1, 4, seed=9), alone)[0])
    assert_close(read(model, tokens(1, 4, seed=9).expand(4, -1), joined)[0], torch.cat(expected))


def test_the_image_and_all_words_learn(model):
    model.zero_grad()
    loss, _ = model.training_loss(tokens(3, 5), tokens(3, 5, seed=1), model.initial_state(3, images(3)))
    loss.nats.backward()
    silent = [name for name, weight in model.named_parameters() if weight.grad is None or not weight.grad.any()]
    # A key's bias moves all scores of a query alike, and a softmax does not see that; it is half of that tensor.
    assert silent == []


def test_filled_up_places_cost_nothing():
    model = built()
    state = model.initial_state(2, images(2))
    targets_BT = tokens(2, 5, seed=1)
    targets_BT[1, 3:] = -100
    loss, _ = model.training_loss(tokens(2, 5), targets_BT, state)
    first, _ = model.training_loss(tokens(2, 5)[:1], targets_BT[:1], model.select_state(state, torch.tensor([0])))
    second, _ = model.training_loss(
        tokens(2, 5)[1:, :3], targets_BT[1:, :3], model.select_state(state, torch.tensor([1]))
    )
    assert_close(loss.nats, (5 * first.nats + 3 * second.nats) / 8)


def test_hidden_words_are_read_as_the_first_token_and_only_in_training():
    tokens_BT, targets_BT = tokens(64, 6), tokens(64, 6, seed=1)
    tokens_BT[:, 0] = 3
    blind, plain = built(word_dropout=0.999, dropout=0.0), built(dropout=0.0)
    plain.load_state_dict(blind.state_dict())
    state = plain.initial_state(64, images(64))

    def loss(model, tokens_BT):
        return model.training_loss(tokens_BT, targets_BT, state)[0].nats

    assert_close(loss(blind, tokens_BT), loss(plain, tokens_BT))  # in evaluation mode
    torch.manual_seed(0)
    hidden = loss(blind.train(), tokens_BT)
    torch.testing.assert_close(hidden, loss(plain, torch.full_like(tokens_BT, 3)), rtol=0.05, atol=0.05)
    assert (hidden - loss(plain, tokens_BT)).abs() > 1e-3


def test_where_a_word_looks_is_what_it_gathers():
    """With one-hot values of the grid, what a head gathers is its weights."""
    model = built()
    state = model.initial_state(2, images(2))
    weights_BHTF = model.where_it_looks(tokens(2, 4), state)
    assert weights_BHTF.shape == (2, 2, 4, 16)
    assert_close(weights_BHTF.sum(dim=-1), torch.ones(2, 2, 4))
    x_BTC, _ = model.decoder.features(tokens(2, 4), state.decoder)
    gathered = (weights_BHTF @ state.values_BHFD).transpose(1, 2).flatten(2)
    assert_close(model.look.output(gathered), model.look(x_BTC, state.keys_BHFD, state.values_BHFD))


def test_what_starts_the_decoder_can_be_reached_by_it():
    model = built(decoder="lstm", attention=False, layers=2)
    state = model.initial_state(3, images(3))
    assert [part.shape for part in state.decoder] == [(2, 3, 16)] * 2
    assert all(part.abs().max() <= 1 for part in state.decoder)
    with pytest.raises(InputError, match="no attention"):
        model.where_it_looks(tokens(3, 2), state)


def test_without_an_image_there_is_nothing_to_write_about():
    with pytest.raises(ValueError, match="writes about images"):
        built().initial_state(2)
    with pytest.raises(ValueError, match="3 images were given for 2 rows"):
        built().initial_state(2, images(3))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"decoder": "transformer", "attention": "false"}, "a Transformer has no state"),
        ({"width": "20", "heads": "3"}, "take a width that is a multiple of 6"),
        ({"channels": "10,20"}, "give multiples of 8"),
        ({"channels": "8,16", "image_size": "30"}, "give a multiple of 4"),
    ],
)
def test_settings_that_do_not_go_together_are_refused_in_one_line(fields, message):
    with pytest.raises(InputError, match=message) as refused:
        build(Captioner.Config, fields, "model")
    assert "\n" not in str(refused.value)


def test_channels_may_be_given_as_text():
    assert build(Captioner.Config, {"channels": "8,16,24"}, "model").channels == (8, 16, 24)


def test_an_encoder_of_timm_without_timm_is_one_line(monkeypatch):
    imported = builtins.__import__

    def without_timm(name, *arguments, **options):
        if name == "timm":
            raise ModuleNotFoundError(name)
        return imported(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without_timm)
    with pytest.raises(InputError, match=r"Install inkloom\[timm\], or take cnn"):
        built(encoder="resnet18")


class FeatureInfo:
    def channels(self):
        return [24]


def test_a_timm_that_cannot_be_loaded_is_one_line(monkeypatch):
    imported = builtins.__import__

    def broken_timm(name, *arguments, **options):
        if name == "timm":
            raise RuntimeError("operator torchvision::nms does not exist")
        return imported(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", broken_timm)
    with pytest.raises(InputError, match="nms does not exist"):
        built(encoder="resnet18")


class Network(nn.Module):
    """What timm's `create_model` gives where features are asked for, in small; some have the channels last."""

    def __init__(self, channels_last):
        super().__init__()
        self.channels_last = channels_last
        self.norm = nn.BatchNorm2d(3)  # takes no single image of one pixel in training
        self.feature_info = FeatureInfo()
        self.pretrained_cfg = {"mean": (0.5, 0.4, 0.3), "std": (0.2, 0.2, 0.2)}
        self.layer = nn.Conv2d(3, 24, 4, stride=4)

    def forward(self, pixels):
        assert pixels.shape[-1] <= 32, "Input height (64) doesn't match model (32)."
        features = self.layer(self.norm(pixels))
        return [features.permute(0, 2, 3, 1) if self.channels_last else features]


@pytest.fixture
def timm_of_one_network(monkeypatch):
    """A module of that name that has one network; its published weights are all 0.5."""

    def create_model(name, pretrained, features_only, out_indices):
        assert (features_only, out_indices) == (True, (-1,))
        if name not in ("tiny", "tiny_windows"):
            raise RuntimeError(f"Unknown model ({name})")
        network = Network(channels_last=name == "tiny_windows")
        if pretrained:
            nn.init.constant_(network.layer.weight, 0.5)
        return network

    monkeypatch.setitem(sys.modules, "timm", types.SimpleNamespace(create_model=create_model))


@pytest.mark.usefixtures("timm_of_one_network")
def test_an_encoder_of_timm_is_used_by_its_name():
    model = built(encoder="tiny")
    assert model.encode(images(2)).shape == (2, 16, 16)
    assert "encoder.mean_311" not in model.state_dict()
    white = torch.full((1, 3, 4, 4), 255.0)
    assert_close(model.encoder.normalised(white)[0, :, 0, 0], torch.tensor([2.5, 3.0, 3.5]))
    assert not (model.encoder.network.layer.weight == 0.5).all()
    model.encoder.load_published()
    assert (model.encoder.network.layer.weight == 0.5).all()
    assert built(encoder="tiny_windows").encode(images(2)).shape == (2, 16, 16)
    fresh = Captioner(Captioner.Config(**{**SMALL, "encoder": "tiny"}), VOCABULARY)
    assert fresh.training
    assert fresh.encoder.network.norm.num_batches_tracked == 0
    with pytest.raises(InputError, match="which timm cannot make: Unknown model"):
        built(encoder="no_such_net")
    with pytest.raises(InputError, match=r"image_size got 64, which the encoder does not take: Input height \(64\)"):
        built(encoder="tiny", image_size=64)


def test_an_image_and_its_caption_are_learned_by_heart():
    model = built(dropout=0.0).train()
    shown, said = images(4), torch.tensor([[0, 1, 2], [0, 3, 4], [0, 5, 6], [0, 7, 8]])
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(60):
        loss, _ = model.training_loss(said[:, :-1], said[:, 1:], model.initial_state(4, shown))
        optimizer.zero_grad()
        loss.nats.backward()
        optimizer.step()
    logits_BTV, _ = read(model.eval(), said[:, :-1], model.initial_state(4, shown))
    assert (logits_BTV.argmax(dim=-1) == said[:, 1:]).all()

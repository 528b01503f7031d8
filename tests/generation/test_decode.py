"""The decode loop against models with known answers and against the slow reference."""

import itertools
import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from inkloom.errors import InkloomError
from inkloom.generation import GenerationConfig
from inkloom.generation.decode import Batch, decode
from inkloom.generation.prompts import PROMPT_CHUNK
from inkloom.generation.reference import reference_tokens
from inkloom.generation.rows import Request
from inkloom.generation.sampling import generator_of_sample
from inkloom.models.transformer import Transformer

from .fakes import Bytes, Markov, Pieces, Repeats, Script, TinyRNN

LETTERS = Pieces(*"abcdefghij")


def request(prompt=(), seed=0, sample=0, **fields):
    return Request(list(prompt), GenerationConfig(**fields), generator_of_sample(seed, sample))


def written(model, tokenizer, requests, **options):
    """What each request wrote: its tokens (with text, log-probability and finish reason), in order."""
    rows = [[] for _ in requests]
    for step in decode(model, tokenizer, requests, **options):
        for token in step:
            rows[token.request].append(token)
    return rows


def ids(row):
    return [token.id for token in row]


def text(row):
    return "".join(token.text for token in row)


MIXED_SETTINGS = [
    {},
    {"temperature": 0.7, "top_k": 4},
    {"greedy": True},
    {"top_p": 0.8, "repetition_penalty": 1.3},
    {"min_p": 0.1, "temperature": 1.5},
    {"temperature": 0, "repetition_penalty": 1.5},
    {"top_k": 1},
    {"temperature": 2.0, "max_tokens": 3},
    {"presence_penalty": 1.5, "frequency_penalty": -0.25, "logit_bias": {3: 2.0, 0: -100.0}},
]
MIXED_PROMPTS = [[], [1], [3, 3, 3], [2, 4, 6, 8, 10], [5], [], [9, 1], [7] * 9, [4, 4]]


def mixed_requests():
    return [
        request(prompt, seed=5, sample=number, **{"max_tokens": 25, **fields})
        for number, (prompt, fields) in enumerate(zip(MIXED_PROMPTS, MIXED_SETTINGS, strict=True))
    ]


@pytest.mark.parametrize("rows_at_once", [1, 3, 8])
def test_equals_the_reference_that_reads_everything_again(rows_at_once):
    model = TinyRNN(LETTERS.vocab_size)
    rows = written(model, LETTERS, mixed_requests(), rows_at_once=rows_at_once)
    assert [ids(row) for row in rows] == [reference_tokens(model, LETTERS, one) for one in mixed_requests()]


@settings(max_examples=25)
@given(
    st.lists(
        st.tuples(st.lists(st.integers(1, 10), max_size=6), st.sampled_from(MIXED_SETTINGS)), min_size=1, max_size=5
    ),
    st.integers(1, 5),
)
def test_a_sample_does_not_depend_on_the_rows_beside_it(wanted, rows_at_once):
    model = TinyRNN(LETTERS.vocab_size)

    def requests():
        return [
            request(prompt, sample=number, **{"max_tokens": 8, **fields})
            for number, (prompt, fields) in enumerate(wanted)
        ]

    together = written(model, LETTERS, requests(), rows_at_once=rows_at_once)
    alone = [written(model, LETTERS, [one])[0] for one in requests()]
    assert [ids(row) for row in together] == [ids(row) for row in alone]
    assert [text(row) for row in together] == [text(row) for row in alone]


def test_rows_join_a_running_batch_at_any_step():
    model = TinyRNN(LETTERS.vocab_size).eval()
    alone = [ids(written(model, LETTERS, [one])[0]) for one in mixed_requests()]
    batch, rows = Batch(model, LETTERS), [[] for _ in alone]
    waiting = mixed_requests()
    for _ in range(40):
        if waiting:
            batch.join([waiting.pop(0)])
        if len(batch):
            for token in batch.step():
                rows[token.request].append(token.id)
    assert rows == alone


def test_rows_leave_a_running_batch_and_the_others_go_on():
    model = TinyRNN(LETTERS.vocab_size).eval()
    alone = [ids(written(model, LETTERS, [one])[0]) for one in mixed_requests()]
    batch, rows = Batch(model, LETTERS), {}
    numbers = batch.join(mixed_requests())
    for step in range(25):
        if step == 2:
            batch.leave([numbers[2], numbers[3], numbers[8]])
        for token in batch.step():
            rows.setdefault(token.request, []).append(token.id)
    assert len(batch) == 0
    assert rows == {number: alone[number][:2] if number in (2, 3, 8) else alone[number] for number in range(9)}


def test_rows_leave_while_their_prompts_are_read():
    model = Script([*range(1, 11)], LETTERS.vocab_size)
    batch = Batch(model, LETTERS)
    batch.join([request([1] * (3 * PROMPT_CHUNK), max_tokens=2)] * 2 + [request([1] * 4 * PROMPT_CHUNK)])
    assert batch.step() == []
    batch.leave([1, 2])
    assert (len(batch), batch.step()) == (1, [])
    assert [[token.request for token in batch.step()] for _ in range(2)] == [[0], [0]]
    assert len(batch) == 0
    batch.join([request([1] * 3 * PROMPT_CHUNK)])
    batch.step()
    batch.leave([3])
    assert (len(batch), batch.step()) == (0, [])


def test_rows_at_work_are_stepped_while_a_long_prompt_is_read():
    batch = Batch(Script([*range(1, 11)], LETTERS.vocab_size), LETTERS)
    batch.join([request([1], max_tokens=9)])
    batch.step()
    batch.join([request([1] * (2 * PROMPT_CHUNK), max_tokens=2)])
    assert [[token.request for token in batch.step()] for _ in range(4)] == [[0], [0, 1], [0, 1], [0]]


def test_prompts_of_unequal_length_are_read_side_by_side():
    model = Script([*range(1, 11)], LETTERS.vocab_size)
    rows = written(model, LETTERS, [request([1] * length, max_tokens=1) for length in (5, 2, 5, 2, 7)])
    assert [ids(row) for row in rows] == [[6], [3], [6], [3], [8]]
    assert model.rows_stepped == [5, 3, 1, 5]  # 2 tokens of all, 3 of those that are longer, 2 of the longest; a step


@pytest.mark.parametrize("preset", ["vaswani", "gpt2", "qwen3"])
def test_prompts_that_are_read_padded_are_scored_and_continued_as_alone(preset):
    """The last prompts are too long for a forward; one is longer than the window, so nothing can be forgotten."""
    torch.manual_seed(0)
    config = Transformer.Config(preset=preset, layers=2, width=16, heads=2, context_length=PROMPT_CHUNK + 20)
    model = Transformer(config, LETTERS.vocab_size).eval()
    lengths = [3, 0, 7, 8, 1, PROMPT_CHUNK + 9, PROMPT_CHUNK + 2, PROMPT_CHUNK + 30]
    requests = [
        replace(
            request(torch.randint(1, 11, (length,)).tolist(), sample=length, max_tokens=4), score_prompt=length % 2 == 1
        )
        for length in lengths
    ]
    again = [
        replace(one, generator=generator_of_sample(0, length)) for one, length in zip(requests, lengths, strict=True)
    ]
    rows = written(model, LETTERS, requests)
    for row, length, one in zip(rows, lengths, again, strict=True):
        (alone,) = written(model, LETTERS, [one])
        assert ids(row) == ids(alone)
        if length % 2:
            scores = [[score.logprob for score in first.prompt] for first in (row[0], alone[0])]
            assert len(scores[0]) == length
            assert scores[0] == pytest.approx(scores[1], rel=1e-3)
        else:
            assert row[0].prompt is None


def test_a_padded_reading_goes_on_when_its_longest_prompt_has_left():
    config = Transformer.Config(layers=1, width=8, heads=2, context_length=4 * PROMPT_CHUNK)
    torch.manual_seed(0)
    model = Transformer(config, LETTERS.vocab_size).eval()
    batch = Batch(model, LETTERS)
    batch.join([request([1] * (PROMPT_CHUNK // 2 - 1), max_tokens=1), request([2] * (PROMPT_CHUNK // 2), max_tokens=1)])
    batch._read_prompts()
    batch.leave([1])
    assert [token.request for token in batch.step()] == [0]


def test_the_same_seed_gives_the_same_tokens_and_another_seed_others():
    model = TinyRNN(LETTERS.vocab_size)

    def sampled(seed):
        return ids(written(model, LETTERS, [request(seed=seed, max_tokens=40)])[0])

    assert sampled(1) == sampled(1)
    assert sampled(1) != sampled(2)


def test_sampled_pairs_follow_the_table_of_a_markov_chain():
    """Share of each token after each, in 6,000 tokens: within four standard errors of the table."""
    table_VV = torch.tensor([[0.0, 0.7, 0.2, 0.1], [0.0, 0.1, 0.6, 0.3], [0.0, 0.3, 0.3, 0.4], [0.0, 0.9, 0.05, 0.05]])
    requests = [request(sample=sample, max_tokens=300) for sample in range(20)]
    rows = written(Markov(table_VV.log()), Pieces("a", "b", "c"), requests)
    counts_VV = torch.zeros(4, 4, dtype=torch.float64)
    for row in rows:
        for before, after in zip([0, *ids(row)], ids(row), strict=False):
            counts_VV[before, after] += 1
    totals_V1 = counts_VV.sum(dim=1, keepdim=True)
    standard_error_VV = (table_VV * (1 - table_VV) / totals_V1).sqrt()
    assert ((counts_VV / totals_V1 - table_VV).abs() <= 4 * standard_error_VV).all()


def test_log_probabilities_are_the_models_own_whatever_the_filters():
    table_VV = torch.tensor([[0.1, 0.6, 0.3], [0.2, 0.3, 0.5], [0.5, 0.25, 0.25]])
    model = Markov(table_VV.log() + 7.0)  # logits need not be normalised
    fields = {"temperature": 0.5, "top_k": 2, "repetition_penalty": 1.2, "max_tokens": 10}
    (row,) = written(model, Pieces("a", "b"), [request([2], **fields)])
    pairs = zip([2, *ids(row)], ids(row), strict=False)
    expected = [math.log(table_VV[before, after]) for before, after in pairs]
    assert [token.logprob for token in row] == pytest.approx(expected, rel=1e-5)


def test_the_likeliest_tokens_are_reported_where_they_are_asked_for():
    table_VV = torch.tensor([[0.1, 0.6, 0.3], [0.2, 0.3, 0.5], [0.5, 0.25, 0.25]])
    asked = replace(request([2], temperature=0.5, max_tokens=4), likeliest=2)
    row, silent = written(Markov(table_VV.log()), Pieces("a", "b"), [asked, request([1], max_tokens=4)])
    for before, token in zip([2, *ids(row)], row, strict=False):
        probs_V = table_VV[before]
        assert [alternative for alternative, _ in token.likeliest] == probs_V.argsort(descending=True, stable=True)[
            :2
        ].tolist()
        assert [nats for _, nats in token.likeliest] == pytest.approx(probs_V.log().sort(descending=True)[0][:2])
    assert {token.likeliest for token in silent} == {()}


@pytest.mark.parametrize("length", [0, 1, 5, PROMPT_CHUNK + 3])
def test_prompts_are_scored_where_it_is_asked_for(length):
    table_VV = torch.tensor([[0.1, 0.6, 0.3], [0.2, 0.3, 0.5], [0.5, 0.25, 0.25]])
    prompt = torch.randint(1, 3, (length,), generator=torch.Generator().manual_seed(0)).tolist()
    scored = replace(request(prompt, max_tokens=2, greedy=True), score_prompt=True, likeliest=1)
    row, silent = written(Markov(table_VV.log()), Pieces("a", "b"), [scored, request(prompt, max_tokens=2)])
    expected = [math.log(table_VV[pair]) for pair in itertools.pairwise([0, *prompt])]
    assert [score.logprob for score in row[0].prompt] == pytest.approx(expected)
    assert [score.likeliest[0][0] for score in row[0].prompt] == table_VV.argmax(dim=1)[[0, *prompt[:-1]]][
        :length
    ].tolist()
    assert [token.prompt for token in (*row[1:], *silent)] == [None] * (len(row) - 1 + len(silent))


def test_logits_of_a_bfloat16_model_decide_in_float32():
    model = Markov(torch.tensor([[0.0, 1.7, -2.3], [0.4, 3.1, 0.0], [1.0, 1.0, 1.0]])).to(torch.bfloat16)
    (row,) = written(model, Pieces("a", "b"), [request([1], max_tokens=10)])
    exact_VV = model.logits_VV.double().log_softmax(dim=-1)
    expected = [float(exact_VV[before, after]) for before, after in zip([1, *ids(row)], ids(row), strict=False)]
    assert [token.logprob for token in row] == pytest.approx(expected, rel=1e-6)


def test_counts_from_the_prompt_on():
    model = Script([1, 2, 3, 4, 5], LETTERS.vocab_size)
    rows = written(model, LETTERS, [request(max_tokens=3), request([1, 2], max_tokens=4)])
    assert [text(row) for row in rows] == ["abc", "cdea"]
    assert [row[-1].finish_reason for row in rows] == ["length", "length"]
    assert all(token.finish_reason is None for row in rows for token in row[:-1])


def test_a_text_may_have_a_single_token():
    (row,) = written(Script([1], LETTERS.vocab_size), LETTERS, [request(max_tokens=1)])
    assert (text(row), row[-1].finish_reason) == ("a", "length")


def test_the_end_token_stops_a_row_and_reads_as_nothing():
    (row,) = written(Script([1, 2, 0, 3], LETTERS.vocab_size), LETTERS, [request()])
    assert (ids(row), text(row), row[-1].finish_reason) == ([1, 2, 0], "ab", "stop")


def test_the_end_token_as_the_last_that_is_allowed_is_a_stop():
    (row,) = written(Script([1, 0], LETTERS.vocab_size), LETTERS, [request(max_tokens=2)])
    assert (ids(row), row[-1].finish_reason) == ([1, 0], "stop")


def test_text_that_was_held_back_is_shown_when_the_row_ends():
    (row,) = written(Script([1, 2, 0], LETTERS.vocab_size), LETTERS, [request(stop="bc")])
    assert [(token.text, token.finish_reason) for token in row] == [("a", None), ("", None), ("b", "stop")]


def test_the_repetition_penalty_counts_the_prompt():
    likes_a_then_b = Markov(torch.tensor([0.0, 5.0, 4.0]).expand(3, 3).clone())
    penalised = {"greedy": True, "repetition_penalty": 2.0, "max_tokens": 1}
    rows = written(likes_a_then_b, Pieces("a", "b"), [request([2], **penalised), request([1], **penalised)])
    assert [text(row) for row in rows] == ["a", "b"]


def test_finished_rows_leave_the_batch():
    model = Script([1, 2, 3, 4, 5], LETTERS.vocab_size)
    requests = [request([1], max_tokens=max_tokens) for max_tokens in (2, 5, 3)]
    steps = [[token.request for token in step] for step in decode(model, LETTERS, requests)]
    assert steps == [[0, 1, 2], [0, 1, 2], [1, 2], [1], [1]]
    assert model.rows_stepped == [
        1,
        3,
        3,
        2,
        1,
        1,
    ]  # the shared prompt is read in one row; no step after the last token


def test_waiting_requests_take_the_place_of_finished_rows():
    model = Script([1, 2, 3, 4, 5], LETTERS.vocab_size)
    requests = [request([1] * length, max_tokens=2 + length) for length in range(4)]
    steps = [[token.request for token in step] for step in decode(model, LETTERS, requests, rows_at_once=2)]
    assert steps == [[0, 1], [0, 1], [1, 2], [2, 3], [2, 3], [2, 3], [3], [3]]


def test_no_requests_no_steps():
    assert list(decode(Script([1], LETTERS.vocab_size), LETTERS, [])) == []


@pytest.mark.parametrize(
    ("stop", "expected", "reason"),
    [
        (("cd",), "ab", "stop"),
        (("bcde",), "a", "stop"),
        (("abcd", "bc"), "a", "stop"),
        (("ef", "zz"), "abcd", "stop"),
        (("az",), "abcdefgh", "length"),
        (("hx",), "abcdefgh", "length"),
    ],
)
def test_stop_texts_across_tokens_end_the_text_before_them(stop, expected, reason):
    pieces = Pieces("ab", "c", "def", "g", "h")
    (row,) = written(Script([1, 2, 3, 4, 5], pieces.vocab_size), pieces, [request(stop=stop, max_tokens=5)])
    assert (text(row), row[-1].finish_reason) == (expected, reason)


def test_a_stop_text_is_looked_for_in_the_continuation_alone():
    (row,) = written(Script([1, 2, 3], LETTERS.vocab_size), LETTERS, [request([1], stop="ab", max_tokens=4)])
    assert text(row) == "bc"  # b, c, then a and b: the stop text


def test_characters_of_several_tokens_come_whole():
    tokenizer = Bytes()
    script = tokenizer.encode_prompt("é€😀")
    (row,) = written(Script(script, tokenizer.vocab_size), tokenizer, [request(max_tokens=len(script))])
    assert [token.text for token in row] == ["", "é", "", "", "€", "", "", "", "😀"]
    (cut,) = written(Script(script, tokenizer.vocab_size), tokenizer, [request(max_tokens=3)])
    assert text(cut) == "é\ufffd"


@pytest.mark.parametrize("length", [PROMPT_CHUNK - 1, PROMPT_CHUNK, PROMPT_CHUNK + 1, 2 * PROMPT_CHUNK + 7])
def test_long_prompts_are_read_in_chunks(length):
    script = Script([*range(1, 11)], LETTERS.vocab_size)
    (counted,) = written(script, LETTERS, [request([1] * length, max_tokens=2)])
    assert ids(counted) == [1 + length % 10, 1 + (length + 1) % 10]
    assert len(script.rows_stepped) == math.ceil(length / PROMPT_CHUNK) + 2

    prompt = torch.randint(1, 11, (length,), generator=torch.Generator().manual_seed(0)).tolist()
    model = TinyRNN(LETTERS.vocab_size)
    (row,) = written(model, LETTERS, [request(prompt, max_tokens=2)])
    assert ids(row) == reference_tokens(model, LETTERS, request(prompt, max_tokens=2))


def test_the_model_is_left_as_it_was():
    model = Script([1, 2, 3], LETTERS.vocab_size).train()
    model.frozen = torch.nn.Dropout().eval()
    steps = decode(model, LETTERS, [request(max_tokens=3)])
    next(steps)
    assert not model.training
    assert not torch.is_inference_mode_enabled()
    steps.close()
    assert model.training
    assert not model.frozen.training


def test_logits_that_are_not_finite_are_an_error_and_no_text():
    logits_VV = torch.zeros(3, 3)
    logits_VV[1, 2] = float("nan")
    with pytest.raises(InkloomError, match="not finite"):
        written(Markov(logits_VV), Pieces("a", "b"), [request([1])])


def test_a_sample_ends_with_its_last_word():
    words = Pieces("to ", "be", " or", " not")
    model = Script([1, 2, 3, 4], words.vocab_size)
    for max_words, shown in ((1, "to"), (2, "to be"), (3, "to be or")):
        (row,) = written(model, words, [request(max_words=max_words, max_tokens=9)])
        assert (text(row), row[-1].finish_reason) == (shown, "length")


@pytest.mark.parametrize("rows_at_once", [2, 64])
def test_every_row_has_the_condition_of_its_request(rows_at_once):
    told = [torch.tensor(number) for number in (3, 5, 3, 7)]
    prompts = [[], [1, 2], [], [4]]
    asked = [
        replace(request(prompt, max_tokens=number + 1), condition=condition)
        for number, (prompt, condition) in enumerate(zip(prompts, told, strict=True))
    ]
    rows = written(Repeats(LETTERS.vocab_size), LETTERS, asked, rows_at_once=rows_at_once)
    assert [ids(row) for row in rows] == [[3], [5, 5], [3, 3, 3], [7, 7, 7, 7]]


def test_requests_with_one_condition_are_read_as_one():
    condition = torch.tensor(6)
    batch = Batch(Repeats(LETTERS.vocab_size), LETTERS)
    batch.join([replace(request([1, 2], sample=sample, max_tokens=1), condition=condition) for sample in range(3)])
    assert [token.id for token in batch.step()] == [6, 6, 6]
    assert len(batch) == 0


def test_without_conditions_the_model_is_told_nothing():
    rows = written(Repeats(LETTERS.vocab_size), LETTERS, [request(max_tokens=2), request([1], max_tokens=2)])
    assert [ids(row) for row in rows] == [[1, 1], [1, 1]]

"""inkloom beside what others install for the same work, in one run, in turn; same weights or same layer sizes.

    python benchmarks/peers.py [--rounds 5] [--threads 2] [--tokens 500] [--only train,generate,score] [--text FILE]

train       the default LSTM and Transformer; the same networks in a plain float32 torch.nn loop; x-transformers of the
            same sizes
generate    10.6 million parameters in GPT-2's layout, one row and 32: inkloom, transformers, llama-cpp-python
score       n-grams of order 5: inkloom's tables, KenLM's queries of the same ARPA file

A peer that is not installed is skipped with the reason. None is a dependency; install them beside inkloom with
`pip install transformers x-transformers llama-cpp-python gguf kenlm`, in an environment of their own.
"""

import argparse
import importlib.metadata
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch.nn import functional

from inkloom.corpus import load_corpus
from inkloom.experiments.bench.counting import counted
from inkloom.experiments.bench.timing import Line, measured_on, rates_in_turn
from inkloom.experiments.bench.training import bench_train
from inkloom.experiments.bench.writing import gpt2_sized, writing
from inkloom.models.arpa import write_arpa
from inkloom.models.transformer import Transformer
from inkloom.tokenizers.char import CharTokenizer

VOCABULARY = 65
TOKENS = 500
ROWS = (1, 32)
TOKENIZER = CharTokenizer("".join(chr(ord("0") + number) for number in range(VOCABULARY - 2)))


class MissingError(Exception):
    """A peer that cannot take part; the message says why."""


def version(package: str) -> str:
    try:
        return f"{package} {importlib.metadata.version(package)}"
    except importlib.metadata.PackageNotFoundError as error:
        raise MissingError(f"{package} is not installed") from error


def gpt2_model() -> Transformer:
    """The network that writes, with random weights large enough to make texts differ."""
    torch.manual_seed(0)
    model = Transformer(gpt2_sized(), TOKENIZER.vocab_size).eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.02 * torch.randn_like(weight))
    return model


def transformers_gpt2(model: Transformer):
    """The same weights in transformers' GPT-2."""
    print(version("transformers"))
    from transformers import GPT2Config, GPT2LMHeadModel

    config = model.config
    peer = GPT2LMHeadModel(
        GPT2Config(
            vocab_size=model.vocab_size,
            n_positions=config.context_length,
            n_embd=config.width,
            n_layer=config.layers,
            n_head=config.heads,
            bos_token_id=0,
            eos_token_id=None,
            tie_word_embeddings=False,
        )
    ).eval()
    with torch.no_grad():
        peer.transformer.wte.weight.copy_(model.embedding.weight)
        peer.transformer.wpe.weight.copy_(model.positions_WC)
        peer.lm_head.weight.copy_(model.head.weight)
        copy_norm(peer.transformer.ln_f, model.norm)
        for theirs, ours in zip(peer.transformer.h, model.blocks, strict=True):
            copy_norm(theirs.ln_1, ours.attention_norm)
            copy_norm(theirs.ln_2, ours.feed_forward_norm)
            copy_linear(theirs.attn.c_attn, ours.attention.queries_keys_values)
            copy_linear(theirs.attn.c_proj, ours.attention.output)
            copy_linear(theirs.mlp.c_fc, ours.feed_forward.input)
            copy_linear(theirs.mlp.c_proj, ours.feed_forward.output)
    tokens_BT = torch.randint(model.vocab_size, (2, 20))
    with torch.inference_mode():
        difference = (peer(tokens_BT).logits - model(tokens_BT, model.initial_state(2))[0]).abs().max()
    assert difference < 1e-3, f"not the same network: logits differ by {difference:.2g}"
    return peer


def copy_norm(theirs, ours) -> None:
    theirs.weight.copy_(ours.weight)
    theirs.bias.copy_(ours.bias)


def copy_linear(theirs, ours) -> None:
    """GPT-2's products keep their matrices transposed."""
    theirs.weight.copy_(ours.weight.T)
    theirs.bias.copy_(ours.bias)


def transformers_work(model: Transformer, rows: int, tokens: int) -> Callable[[], float]:
    peer = transformers_gpt2(model)
    start = torch.zeros(rows, 1, dtype=torch.int64)

    @torch.inference_mode()
    def work() -> float:
        peer.generate(
            start,
            attention_mask=torch.ones_like(start),
            do_sample=True,
            max_new_tokens=tokens,
            min_new_tokens=tokens,
            pad_token_id=0,
        )
        return rows * tokens

    return work


def gguf_of(model: Transformer, path: Path) -> None:
    """The same weights in llama.cpp's format, in float32, with a vocabulary of single characters."""
    print(version("gguf"))
    import gguf

    config = model.config
    writer = gguf.GGUFWriter(str(path), "gpt2")
    writer.add_context_length(config.context_length)
    writer.add_embedding_length(config.width)
    writer.add_block_count(config.layers)
    writer.add_feed_forward_length(4 * config.width)
    writer.add_head_count(config.heads)
    writer.add_layer_norm_eps(1e-5)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list([chr(ord("0") + number) for number in range(model.vocab_size)])
    writer.add_token_types([gguf.TokenType.NORMAL] * model.vocab_size)
    writer.add_token_merges(["0 1"])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    tensors = {
        "token_embd.weight": model.embedding.weight,
        "position_embd.weight": model.positions_WC,
        "output.weight": model.head.weight,
        "output_norm.weight": model.norm.weight,
        "output_norm.bias": model.norm.bias,
    }
    for number, block in enumerate(model.blocks):
        layers = {
            "attn_norm": block.attention_norm,
            "ffn_norm": block.feed_forward_norm,
            "attn_qkv": block.attention.queries_keys_values,
            "attn_output": block.attention.output,
            "ffn_up": block.feed_forward.input,
            "ffn_down": block.feed_forward.output,
        }
        for name, layer in layers.items():
            tensors[f"blk.{number}.{name}.weight"] = layer.weight
            tensors[f"blk.{number}.{name}.bias"] = layer.bias
    for name, tensor in tensors.items():
        writer.add_tensor(name, tensor.detach().float().numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def with_llama(path: Path, tokens: int, threads: int) -> Callable[[], float]:
    """One row, temperature 1, through llama-cpp-python's own loop, end tokens passed over."""
    print(version("llama_cpp_python"))
    from llama_cpp import Llama

    llama = Llama(str(path), n_ctx=1024, n_threads=threads, n_threads_batch=threads, verbose=False, logits_all=False)

    def work() -> float:
        llama.reset()
        for number, _ in enumerate(llama.generate([0], temp=1.0, top_k=0, top_p=1.0, min_p=0.0, repeat_penalty=1.0), 1):
            if number == tokens:
                return tokens
        raise AssertionError("the generator of tokens has no end")

    return work


def generate(rounds: int, tokens: int, threads: int) -> list[Line]:
    model = gpt2_model()
    lines: list[Line] = []
    with tempfile.TemporaryDirectory() as folder:
        for rows in ROWS:
            works = {f"inkloom, {kind}, {rows} rows": writing(model, TOKENIZER, rows, kind, tokens) for kind in KINDS}
            works[f"inkloom, unpacked, {rows} rows"] = writing(model, TOKENIZER, rows, None, tokens)
            add(works, f"transformers, {rows} rows", lambda rows=rows: transformers_work(model, rows, tokens))
            if rows == 1:
                add(works, "llama-cpp-python, float32, 1 row", lambda: llama_work(model, Path(folder), tokens, threads))
            lines += rates_in_turn(works, "tokens/s", rounds).values()
    return lines


KINDS = ("float32", "bfloat16", "int8")


def llama_work(model: Transformer, folder: Path, tokens: int, threads: int) -> Callable[[], float]:
    version("llama_cpp_python")
    gguf_of(model, folder / "model.gguf")
    return with_llama(folder / "model.gguf", tokens, threads)


def add(works: dict[str, Callable[[], float]], name: str, make: Callable[[], Callable[[], float]]) -> None:
    """A peer, or the reason why it is left out."""
    try:
        works[name] = make()
    except (MissingError, ImportError) as reason:
        print(f"skipped: {name}: {reason}")


def x_transformer_steps(rounds: int) -> list[Line]:
    """x-transformers with the default Transformer's sizes, a plain float32 loop, 16 windows of 128."""
    print(version("x-transformers"))
    from x_transformers import Decoder, TransformerWrapper

    config = Transformer.Config()
    blocks = Decoder(
        dim=config.width, depth=config.layers, heads=config.heads, attn_dim_head=config.width // config.heads
    )
    model = TransformerWrapper(num_tokens=VOCABULARY, max_seq_len=128, attn_layers=blocks)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    tokens_BT = torch.randint(VOCABULARY, (16, 129))

    def work() -> float:
        for _ in range(20):
            optimizer.zero_grad()
            logits_BTV = model(tokens_BT[:, :-1])
            functional.cross_entropy(logits_BTV.flatten(0, 1), tokens_BT[:, 1:].flatten()).backward()
            optimizer.step()
        return 20 * 16 * 128

    return list(rates_in_turn({"x-transformers, plain float32 loop": work}, "tokens/s", rounds).values())


def train(corpus, rounds: int) -> list[Line]:
    lines = list(bench_train(corpus, rounds))
    try:
        lines += x_transformer_steps(rounds)
    except (MissingError, ImportError) as reason:
        print(f"skipped: {reason}")
    return lines


def score(corpus, rounds: int) -> list[Line]:
    """Tokens a second of n-gram queries over the same text with the same tables."""
    from inkloom.evaluation.likelihood import token_nats

    text = "".join(piece.text for piece in corpus.whole.pieces())[:200_000]
    tokenizer = CharTokenizer.fit([text], CharTokenizer.Config())
    encoding = tokenizer.encode(text)
    ids = torch.tensor([tokenizer.end_id, *encoding.ids.tolist()]).numpy().astype("uint16")
    model = counted(ids, tokenizer, 5)
    works: dict[str, Callable[[], float]] = {"inkloom, order 5": lambda: float(len(token_nats(model, ids)))}
    with tempfile.TemporaryDirectory() as folder:
        add(works, "kenlm, order 5", lambda: kenlm_work(model, tokenizer, text, Path(folder)))
        return list(rates_in_turn(works, "tokens/s", rounds).values())


def kenlm_work(model, tokenizer, text: str, folder: Path) -> Callable[[], float]:
    print(version("kenlm"))
    import kenlm

    from inkloom.models.arpa import arpa_words

    words = arpa_words(tokenizer)
    write_arpa(model, words, folder / "model.arpa")
    peer = kenlm.Model(str(folder / "model.arpa"))
    sentence = " ".join(words[token] for token in tokenizer.encode(text).ids.tolist())

    def work() -> float:
        return float(sum(1 for _ in peer.full_scores(sentence, bos=True, eos=False)))

    return work


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=TOKENS)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--only", default="train,generate,score", help="of train, generate and score")
    parser.add_argument("--text", default="python-docs", help="a file or a named corpus, for train and score")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    corpus = load_corpus(options.text)
    works = {
        "train": lambda: train(corpus, options.rounds),
        "generate": lambda: generate(options.rounds, options.tokens, options.threads),
        "score": lambda: score(corpus, options.rounds),
    }
    print(measured_on())
    for name in options.only.split(","):
        began = time.perf_counter()
        for line in works[name]():
            rates = f"{line.median:12,.0f} {line.least:12,.0f} {line.most:12,.0f}"
            print(f"{name:9} {line.what:42} {rates}  {line.unit} {line.note}", flush=True)
        print(f"{name} took {time.perf_counter() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()

"""How fast `inkloom serve` is when many ask at once, and whether clients that leave cost it anything.

For each model it measures, by streaming requests of a fixed number of tokens: one request at a time; many at once, each
of which must get the text that it got alone; and many that leave at random, after which nothing may be left at work.
The models have random weights, which are as fast as trained ones. The clients run in this process, on the same cores as
the server.

Run: python benchmarks/serve_load.py [--model lstm] [--clients 32] [--tokens 128] [--rounds 3] [--leaving 1000]
"""

import argparse
import asyncio
import json
import os
import pydoc_data.topics
import random
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from inkloom.corpus.base import CorpusConfig
from inkloom.files import write_json
from inkloom.models import MODELS
from inkloom.runs.directory import RunConfig, RunDirectory
from inkloom.runs.weights import save_weights
from inkloom.tokenizers.char import CharTokenizer

TEXT = "\n".join(pydoc_data.topics.topics.values())
MODEL_FIELDS = {
    "lstm": {"hidden_size": 512},
    "transformer": {"width": 440, "heads": 5, "context_length": 256},  # 10 million parameters in the default 4 layers
}
HOST = "127.0.0.1"


def make_run(folder: Path, name: str) -> RunDirectory:
    """A run with random weights."""
    torch.manual_seed(0)
    tokenizer = CharTokenizer.fit([TEXT], CharTokenizer.Config())
    family = MODELS.load(name)
    model = family(family.Config(**MODEL_FIELDS[name]), tokenizer.vocab_size)
    for weight in model.parameters():  # some start at zero, and would give every token the same logits
        torch.nn.init.normal_(weight, std=0.05) if not weight.any() else None
    run = RunDirectory(folder / name)
    run.write_config(
        RunConfig(
            name=name,
            corpus=CorpusConfig(sources=("none",)),
            tokenizer={"name": "char"},
            model={"name": name, **model.config.model_dump(mode="json")},
            training={},
        )
    )
    write_json(run.tokenizer_file, {"name": "char", **tokenizer.to_json()})
    save_weights(model, run.weights_file)
    print(f"{name}: {sum(weight.numel() for weight in model.parameters()):,} parameters")
    return run


@dataclass
class Reply:
    """What a client got."""

    text: str
    first_token: float
    """Seconds from the request."""


class Client:
    """A connection that asks for one stream after the other."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.writer: asyncio.StreamWriter | None = None

    async def ask(self, body: dict, leave_after: float | None = None) -> Reply | None:
        """Stream a completion; None where the client left first."""
        try:
            async with asyncio.timeout(leave_after):
                return await self._ask(body)
        except TimeoutError:
            return None
        finally:
            if self.writer is not None:  # else the client left before it was connected
                self.writer.close()

    async def _ask(self, body: dict) -> Reply:
        data = json.dumps({**body, "stream": True}).encode()
        began = time.perf_counter()
        reader, self.writer = await asyncio.open_connection(HOST, self.port)
        head = f"POST /v1/completions HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\n"
        self.writer.write(f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data)
        status = await reader.readline()
        assert b" 200 " in status, status
        text, first_token = "", 0.0
        while (line := await reader.readline()) != b"data: [DONE]\n":
            assert line, "the stream broke off"
            if line.startswith(b"data: "):
                event = json.loads(line[6:])
                assert "error" not in event, event
                text += event["choices"][0]["text"]
                first_token = first_token or time.perf_counter() - began
        return Reply(text, first_token)


def bodies(count: int, tokens: int, end_id: int) -> list[dict]:
    """Requests with prompts of 20 to 60 characters out of a real text, none of which ends early."""
    draw = random.Random(0)
    starts = [draw.randrange(len(TEXT) - 100) for _ in range(count)]
    return [
        {
            "prompt": TEXT[start : start + draw.randint(20, 60)],
            "max_tokens": tokens,
            "seed": seed,
            "temperature": 0.8,
            "logit_bias": {str(end_id): -100},
        }
        for seed, start in enumerate(starts)
    ]


def get(port: int, path: str) -> str:
    command = ["curl", "-sS", f"http://{HOST}:{port}{path}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def at_work(port: int) -> float:
    """Samples that run or wait."""
    lines = get(port, "/metrics").splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("inkloom_samples_"))


def resident_mb(process: subprocess.Popen) -> float:
    """Memory of the server."""
    listed = subprocess.run(["ps", "-o", "rss=", "-p", str(process.pid)], capture_output=True, text=True, check=True)
    return int(listed.stdout) / 1024


async def one_by_one(port: int, requests: list[dict]) -> tuple[list[Reply], float]:
    began = time.perf_counter()
    replies = [await Client(port).ask(body) for body in requests]
    return replies, time.perf_counter() - began


async def at_once(port: int, requests: list[dict]) -> tuple[list[Reply], float]:
    began = time.perf_counter()
    replies = await asyncio.gather(*(Client(port).ask(body) for body in requests))
    return list(replies), time.perf_counter() - began


async def leaving(port: int, requests: list[dict], seconds: float, clients: int) -> int:
    """Clients that leave after up to `seconds`; how many of them did."""
    draw = random.Random(1)
    limit = asyncio.Semaphore(clients)

    async def one(body: dict) -> bool:
        async with limit:
            return await Client(port).ask(body, leave_after=draw.uniform(0.001, seconds)) is None

    return sum(await asyncio.gather(*map(one, requests)))


def measure(process: subprocess.Popen, port: int, options: argparse.Namespace) -> None:
    end_id = 1
    requests = bodies(options.clients, options.tokens, end_id)
    asyncio.run(at_once(port, requests[:4]))  # warm
    alone, together, first = [], [], []
    texts: dict[int, str] = {}
    for _ in range(options.rounds):
        sample = requests[: options.alone]
        replies, seconds = asyncio.run(one_by_one(port, sample))
        alone.append(options.tokens * len(sample) / seconds)
        texts.update({number: reply.text for number, reply in enumerate(replies)})
        replies, seconds = asyncio.run(at_once(port, requests))
        together.append(options.tokens * len(requests) / seconds)
        first.append(statistics.median(reply.first_token for reply in replies))
        assert all(len(reply.text) == options.tokens for reply in replies)
        mixed = [number for number, text in texts.items() if replies[number].text != text]
        print(
            f"  alone {alone[-1]:,.0f} tokens/s; {options.clients} at once {together[-1]:,.0f} tokens/s "
            f"({together[-1] / alone[-1]:.1f} times), first token after {first[-1] * 1e3:.0f} ms (median); "
            f"texts that differ: {len(mixed)} of {len(texts)}",
            flush=True,
        )
    print(
        f"  median of {options.rounds}: alone {statistics.median(alone):,.0f}, at once "
        f"{statistics.median(together):,.0f} tokens/s, first token {statistics.median(first) * 1e3:.0f} ms"
    )
    if options.leaving:
        lasting = 2 * options.tokens * options.clients / statistics.median(together)
        few = requests * (options.leaving // len(requests) + 1)
        asyncio.run(leaving(port, few[: options.leaving // 2], lasting, 2 * options.clients))
        time.sleep(1)
        before = resident_mb(process)
        gone = asyncio.run(leaving(port, few[: options.leaving], lasting, 2 * options.clients))
        time.sleep(1)
        print(
            f"  {gone} of {options.leaving} clients left early; samples still at work: {at_work(port):.0f}; "
            f"memory {before:.0f} MB before, {resident_mb(process):.0f} MB after"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", choices=list(MODEL_FIELDS), help="both where none is given")
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--alone", type=int, default=8, help="how many requests are measured one at a time")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--leaving", type=int, default=1000)
    parser.add_argument("--port", type=int, default=8765)
    options = parser.parse_args()
    for name in [options.model] if options.model else MODEL_FIELDS:
        with tempfile.TemporaryDirectory() as folder:
            run = make_run(Path(folder), name)
            command = [sys.executable, "-m", "inkloom", "serve", str(run.path), "--port", str(options.port)]
            with subprocess.Popen(command, stdout=subprocess.DEVNULL, env=dict(os.environ)) as process:
                try:
                    for _ in range(600):
                        time.sleep(0.1)
                        if (
                            subprocess.run(
                                ["curl", "-sfo", os.devnull, f"http://{HOST}:{options.port}/health"], check=False
                            ).returncode
                            == 0
                        ):
                            break
                    measure(process, options.port, options)
                finally:
                    process.terminate()


if __name__ == "__main__":
    main()

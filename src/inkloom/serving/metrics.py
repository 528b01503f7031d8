"""What the server counts, for Prometheus."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from inkloom.serving.engine import Engines

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300)


class Metrics:
    """Counters of one application. They count per request or answer, never per token."""

    content_type = "text/plain; version=0.0.4; charset=utf-8"

    def __init__(self, engines: Engines) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_Rows(engines))
        self._requests = Counter("inkloom_requests", "Requests answered.", ["path", "status"], registry=self._registry)
        self._seconds = Histogram(
            "inkloom_request_seconds",
            "Time to the end of the answer.",
            ["path"],
            buckets=SECONDS,
            registry=self._registry,
        )
        self._first_token = Histogram(
            "inkloom_first_token_seconds",
            "Time from a checked request to its first token.",
            ["model"],
            buckets=SECONDS,
            registry=self._registry,
        )
        self._read = Counter("inkloom_prompt_tokens", "Tokens of prompts.", ["model"], registry=self._registry)
        self._written = Counter("inkloom_written_tokens", "Tokens written.", ["model"], registry=self._registry)

    def request(self, path: str, status: int, seconds: float) -> None:
        """A request has been answered."""
        self._requests.labels(path, str(status)).inc()
        self._seconds.labels(path).observe(seconds)

    def first_token(self, model: str, seconds: float) -> None:
        """An answer has begun."""
        self._first_token.labels(model).observe(seconds)

    def tokens(self, model: str, read: int, written: int) -> None:
        """An answer has ended, or was given up."""
        self._read.labels(model).inc(read)
        self._written.labels(model).inc(written)

    def exposition(self) -> bytes:
        """All of it in Prometheus' text format."""
        return generate_latest(self._registry)


class _Rows(Collector):
    """What the schedulers are at, read when somebody asks."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines

    def collect(self) -> Iterator[Metric]:
        running = GaugeMetricFamily("inkloom_samples_running", "Samples that are being written.", labels=["model"])
        waiting = GaugeMetricFamily("inkloom_samples_waiting", "Samples that wait for their turn.", labels=["model"])
        for name, engine in self._engines.items():
            running.add_metric([name], engine.scheduler.running)
            waiting.add_metric([name], engine.scheduler.waiting)
        yield running
        yield waiting

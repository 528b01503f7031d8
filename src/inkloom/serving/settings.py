"""What a server allows."""

from pydantic import Field, SecretStr

from inkloom.config import Config
from inkloom.generation.decode import ROWS_AT_ONCE


class ServerSettings(Config):
    """Where a server listens, whom it lets in, and how much it does at once."""

    host: str = "127.0.0.1"
    """The address to listen at; 0.0.0.0 lets other machines in."""

    port: int = Field(8000, ge=0, le=65535)
    """The port to listen at; 0 takes a free one."""

    api_key: SecretStr | None = None
    """The key that clients must send; any is accepted where none is set."""

    cors_origins: tuple[str, ...] = ()
    """Web pages of other origins that may call the API from a browser."""

    max_concurrency: int = Field(ROWS_AT_ONCE, ge=1)
    """Samples of one model that are written at once; more wait for their turn."""

    max_queue: int = Field(1024, ge=1)
    """Samples of one model that may wait; more are refused with 429."""

    max_tokens: int = Field(8192, ge=1)
    """The most tokens of one sample that a request may ask for."""

    max_prompt_tokens: int = Field(1 << 16, ge=1)
    """The most tokens that the prompts of a request may have in all."""

    max_body_bytes: int = Field(4 << 20, ge=1)
    """The largest body of a request; larger ones are refused with 413."""

    max_body_seconds: float = Field(30.0, gt=0)
    """The longest that the body of a request may take to arrive; then it ends with 408."""

    max_seconds: float = Field(300.0, gt=0)
    """The longest that an answer may take; then it ends with 408, or a stream with an error."""

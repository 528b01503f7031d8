"""HTTP: the OpenAI-compatible server and the Studio."""

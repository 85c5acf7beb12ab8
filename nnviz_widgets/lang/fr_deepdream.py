"""French strings of DeepDream."""

TEXT: dict[str, str] = {}

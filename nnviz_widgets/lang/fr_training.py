"""French strings of training."""

TEXT: dict[str, str] = {}

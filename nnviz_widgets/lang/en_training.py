"""English strings of training."""

TEXT: dict[str, str] = {}

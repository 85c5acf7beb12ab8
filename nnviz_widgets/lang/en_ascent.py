"""English strings of activation maximisation."""

TEXT: dict[str, str] = {}

"""French strings of activation maximisation."""

TEXT: dict[str, str] = {}

"""English strings of columns and sheets of activation maximisation."""

TEXT: dict[str, str] = {}

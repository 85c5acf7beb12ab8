"""English strings of the pictures that excite a channel most."""

TEXT: dict[str, str] = {}

"""French strings of neighbours and maps of pictures."""

TEXT: dict[str, str] = {}

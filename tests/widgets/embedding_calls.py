"""Calls that stand in for a layout, in another process."""

import time


def stuck(vectors, *, tell, **options):
    tell((0.0, None))
    while True:
        time.sleep(60)

"""What a scenario says when a promise is broken."""


class Finding(Exception):
    """A promise of doc/reliability.md that did not hold; says which and how."""


def expect(condition, *what):
    """Raise a Finding unless the condition holds."""
    if not condition:
        raise Finding(" ".join(str(part) for part in what))

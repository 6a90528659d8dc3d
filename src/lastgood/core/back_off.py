"""How long to wait before trying again what failed for reasons of the world around. Pure."""


def back_off(failures: int, *, first_s: float = 5.0, most_s: float = 600.0, jitter: float = 0.5) -> float:
    """Return seconds to wait after that many failures in a row (>= 1): doubling, bounded.

    jitter: a random number in [0, 1) from the caller: the wait is between 75% and 125%, so that a thousand
    applications that failed together do not try again together.
    """
    doublings = min(max(failures, 1) - 1, 30)
    return float(min(first_s * 2**doublings, most_s)) * (0.75 + jitter / 2)

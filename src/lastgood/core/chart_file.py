"""What a `Chart.yaml` says of the source of the images that the chart runs. Pure: reads no file, runs no Helm.

Values are those of the reader that Helm has (see `kube_scalar`); what has another shape says nothing.
"""

import math
from decimal import Decimal
from typing import Any

from lastgood.core.image_facts import ImageClaim, source_of_claim, text_of_claim

MAX_SOURCES = 10
# Between these a number has no exponent in the text that Helm makes of it.
_PLAIN_EXPONENTS = range(-4, 6)


def chart_claims(chart: Any) -> tuple[ImageClaim, ...]:
    """Return a claim for each address under `sources`, one without a source where there is none.

    Without `appVersion` a chart claims nothing.
    """
    if not isinstance(chart, dict):
        return ()
    version = text_of_claim(helm_text(chart.get("appVersion")))
    if version is None:
        return ()
    listed = chart.get("sources")
    said = [source_of_claim(helm_text(one)) for one in (listed if isinstance(listed, list) else [])[:MAX_SOURCES]]
    sources = [one for one in said if one is not None]
    return tuple(ImageClaim(place="chart", revision=version, source=one) for one in sources or (None,))


def helm_text(value: Any) -> str | None:
    """Return the text that Helm makes of a value where it expects one: 1.10 without quotes is `1.1`, `on` is `true`."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float() if math.isfinite(value):
            number = Decimal(repr(value)).normalize()
            exponent = number.adjusted()
            if exponent in _PLAIN_EXPONENTS:
                return f"{number:f}"
            return f"{number.scaleb(-exponent):f}e{exponent:+03d}"
        case _:
            return None

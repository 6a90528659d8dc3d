"""Tell the folder names that people give to environments from those of services. Knows no repository."""

import re

_WORDS = frozenset(
    """
    production prod prd live staging stage stg preprod preproduction development develop dev test testing tst qa uat
    preview sandbox canary integration int acceptance acc demo nonprod dr local
    """.split()  # noqa: SIM905 -- words in lines read better than a column of quotes
)
_REGIONS = frozenset(
    """
    eu us ap af me ca sa uk de fr nl jp in au sg br asia europe america emea apac amer global east west north south
    central northeast northwest southeast southwest gov
    """.split()  # noqa: SIM905 -- words in lines read better than a column of quotes
)


def is_environment(name: str) -> bool:
    """Say whether a folder's name is an environment's: production, stage, `prod-eu-west-1`, `us-staging`, `dev2`.

    What stands beside the word must be a region or a number: `test-runner` and `dev-tools` are services.
    """
    parts = re.split(r"[-_.]", name.lower())
    return any(
        word.rstrip("0123456789") in _WORDS and all(_is_part_of_region(one) for one in (*parts[:n], *parts[n + 1 :]))
        for n, word in enumerate(parts)
    )


def is_region(name: str) -> bool:
    """Say whether a folder's name is a region's: `eu-west-1`, `us-east1`, `eu`."""
    parts = re.split(r"[-_.]", name.lower())
    return parts[0].rstrip("0123456789") in _REGIONS and all(_is_part_of_region(one) for one in parts)


def _is_part_of_region(part: str) -> bool:
    letters = part.rstrip("0123456789")
    return letters in _REGIONS or part.isdigit() or (len(part) == 1 and part.isalpha())

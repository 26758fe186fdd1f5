"""Where a caller is likely to be: by the longest beginning of their number that a site or region names."""

from __future__ import annotations

from collections.abc import Iterable

from cti_engine.core.definitions import CenterDefinitions, Region, Site
from cti_engine.core.hours import Zone


def attributes_of(number: str, definitions: CenterDefinitions) -> dict[str, object]:
    """`site`, `region` and `region_languages` of a number in E.164, as far as they are known."""
    found: dict[str, object] = {}
    site = _longest(number, definitions.sites.values())
    if site is not None:
        found["site"] = site.id
    region = _longest(number, definitions.regions.values())
    if isinstance(region, Region):
        found["region"] = region.id
        found["region_languages"] = list(region.languages)
    return found


def zone_of(number: str, definitions: CenterDefinitions) -> Zone | None:
    """By whose clock whoever has this number lives, as far as it is known."""
    region = _longest(number, definitions.regions.values())
    return region.zone if isinstance(region, Region) else None


def _longest(number: str, places: Iterable[Site | Region]) -> Site | Region | None:
    best, length = None, 0
    for place in places:
        for beginning in place.callers:
            if len(beginning) > length and number.startswith(beginning):
                best, length = place, len(beginning)
    return best

"""Whether a trunk that a file names is one of config/sip.yaml."""

from __future__ import annotations

from collections.abc import Collection

from cti_engine.core.expressions.suggestion import closest_or_all
from cti_engine.definitions.problems import Path as Place
from cti_engine.definitions.yaml_source import Document


def check_trunk(document: Document, place: Place, trunk: str, trunks: Collection[str] | None) -> None:
    """`trunks` of config/sip.yaml; None: that file could not be read."""
    if trunk and trunks is not None and trunk not in trunks:
        hint = closest_or_all(trunk, list(trunks)) if trunks else "there is none: trunks: in config/sip.yaml"
        document.problem(place, f"there is no trunk {trunk}", hint)

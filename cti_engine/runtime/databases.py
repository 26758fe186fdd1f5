"""Where this center's store and customers are: every process must open the same ones."""

from __future__ import annotations

from cti_engine.definitions.settings import Settings
from cti_engine.runtime.places import Places

ENGINE_DB = "engine.db"


def absolute_store_url(settings: Settings) -> str:
    """`sqlite:` alone means a file in CTI_VAR."""
    if _elsewhere(settings.store_url):
        return settings.store_url
    return f"sqlite:{settings.var / ENGINE_DB}"


def customers_url(settings: Settings) -> str:
    """`sqlite:` alone means a file in CTI_VAR."""
    if _elsewhere(settings.customers_url):
        return settings.customers_url
    return f"sqlite:{Places(settings.var).customers_db}"


def _elsewhere(url: str) -> bool:
    return not url.startswith("sqlite:") or bool(url.removeprefix("sqlite:").strip("/"))

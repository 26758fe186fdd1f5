"""What a center needs before it starts: secrets, accounts, customers and prompts, each made once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cti_engine.adapters.account_store import Account, AccountStore
from cti_engine.adapters.secret_files import ensure_password, ensure_secret
from cti_engine.core.definitions import CenterDefinitions
from cti_engine.definitions.settings import Settings
from cti_engine.ports import StoreOfOtherVersion, StoreUnavailable
from cti_engine.runtime.agent_accounts import agents_have_accounts
from cti_engine.runtime.customers import prepare_customers
from cti_engine.runtime.places import Places
from cti_engine.runtime.prompt_files import apology_prompts, prompt_cache, prompts_of
from cti_engine.runtime.recognisers import choices_for, spoken_languages
from cti_engine.runtime.start import CannotStart, Prepared
from cti_engine.runtime.stored_rows import check_rows
from cti_engine.runtime.stores import open_store
from speech.prompt_cache import BuildReport

BROKER_USERS = ("engine", "console")
STAFF = (Account("supervisor", "supervisor", "Supervisor"), Account("admin", "admin", "Administrator"))
CALLER = Account("caller", "caller", "Test caller")


def prepare(
    settings: Settings,
    definitions: CenterDefinitions,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Prepared, BuildReport]:
    """Make what is missing below CTI_VAR; what is there stays. Seconds at the first run, then quick."""
    places = Places(settings.var)
    places.make()
    accounts = AccountStore(places.accounts_db, settings.sip.realm, settings.sip.digest)
    trunks = [Account(t.account, "trunk", t.name) for t in settings.sip.trunks if t.account]
    new = accounts.ensure([*STAFF, CALLER, *trunks]) + agents_have_accounts(accounts, definitions)
    accounts.close()
    prepare_customers(settings, definitions)
    cache = prompt_cache(settings, definitions)
    report = cache.build(prompts_of(definitions), progress)
    flows = definitions.flows.values()
    prepared = Prepared(
        places,
        ensure_secret(places.link_key),
        {user: ensure_password(places.broker_password(user)) for user in BROKER_USERS},
        new,
        ensure_password(places.call_me_key) if settings.call_me is not None else "",
        tuple(sorted(definitions.dialled_numbers)),
        frozenset(definitions.all_numbers),
        definitions.limits.maximum_length,
        tuple(choices_for(spoken_languages(flows), settings)),
        tuple(str(file) for prompt in apology_prompts() for file in cache.files(prompt)),
    )
    return prepared, report


def check_store(url: str, folder: Path) -> None:
    """Raises CannotStart when the calls of before stand in rows that this version cannot read. A store that is not
    there yet, or away, is the engine's to wait for.
    """
    try:
        store = open_store(url, read_only=True, folder=folder)
    except StoreOfOtherVersion as error:
        raise CannotStart(str(error)) from None
    except StoreUnavailable:
        return
    try:
        check_rows(store)
    except StoreOfOtherVersion as error:
        raise CannotStart(str(error)) from None
    except StoreUnavailable:
        return
    finally:
        store.close()

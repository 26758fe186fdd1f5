"""From settings to the processes that run: the one place where every process's config is put together."""

from __future__ import annotations

import hmac
import socket

from agent_console.config import CallMeDoor, ConsoleConfig
from cti_engine.adapters import embedded_broker
from cti_engine.adapters.embedded_broker import BrokerConfig
from cti_engine.definitions import settings as settings_of
from cti_engine.definitions.settings import Settings
from cti_engine.runtime.children import Entry
from cti_engine.runtime.databases import absolute_store_url, customers_url
from cti_engine.runtime.engine_config import EngineConfig, utc_offset
from cti_engine.runtime.log_setup import LogSettings
from cti_engine.runtime.recognisers import recognisers
from cti_engine.runtime.start import CannotStart, Prepared
from cti_engine.runtime.supervisor import Plan, Service
from cti_engine.runtime.worker_pool import Workers
from cti_engine.sip_edge.config import EdgeConfig, Guests, Limits, Trunk, TrunkAccount
from cti_engine.sip_worker.config import WorkerConfig
from cti_engine.webrtc_gateway.config import GatewayConfig
from speech.engines import engines_in_order
from speech.recognition.engine import NoEngine

RTP_PORTS_PER_WORKER = 20
ENGINE, EDGE, WORKER, CONSOLE, GATEWAY = (
    Entry("cti_engine.runtime.engine_process"),
    Entry("cti_engine.sip_edge.main"),
    Entry("cti_engine.sip_worker.main"),
    Entry("agent_console.main"),
    Entry("cti_engine.webrtc_gateway.main"),
)
# Not the engine: the more modules the forkserver has, the more pages each worker copies (1.5 MB of 12), and a restarted
# engine spends 0.3 s on its imports instead.
PRELOAD = (WORKER.module, EDGE.module)


def make_plan(settings: Settings, prepared: Prepared) -> Plan:
    """Raises CannotStart when the RTP ports do not suffice, or weights of a recogniser are not what they should be."""
    places, network = prepared.places, settings.network
    slices = (settings.ports.rtp_last - settings.ports.rtp_first + 1) // RTP_PORTS_PER_WORKER
    if slices < settings.workers.max:
        raise CannotStart(
            f"{settings.workers.max} workers need {settings.workers.max * RTP_PORTS_PER_WORKER} RTP ports, "
            f"but ports.rtp holds {slices * RTP_PORTS_PER_WORKER}: widen it, or lower workers.max"
        )

    store_url, customers = absolute_store_url(settings), customers_url(settings)
    try:
        spoken = recognisers(prepared.recognisers, settings)
    except NoEngine as error:
        raise CannotStart(f"speech: {error}") from None

    def engine(ports: dict[str, int]) -> EngineConfig:
        return EngineConfig(
            home=settings.home,
            var=settings.var,
            store_url=store_url,
            broker_url=_broker_url(settings, ports),
            broker_user="engine",
            broker_password=prepared.broker_passwords["engine"],
            address=places.engine_socket,
            secret=prepared.secret,
            customers_url=customers,
            customers_cache=settings.customers_cache,
            accounts_db=places.accounts_db,
            realm=settings.sip.realm,
            digest=settings.sip.digest,
            prompts=places.prompts,
            voices=engines_in_order(settings.voices.engines, settings.voices.piper),
            utc_offset=utc_offset(settings.time_zone),
            ready_file=places.ready_file("engine"),
            keep_events=settings.keep_events_days * 86_400.0,
        )

    def edge(ports: dict[str, int]) -> EdgeConfig:
        guests, limits = settings.sip.guests, settings.sip.limits
        return EdgeConfig(
            bind=network.bind,
            advertise=network.advertise,
            sip_port=ports.get("sip_port", settings.ports.sip),
            realm=settings.sip.realm,
            secret=prepared.secret,
            edge_db=places.edge_db,
            accounts_db=places.accounts_db,
            engine_address=places.engine_socket,
            placement_address=places.placement_socket,
            ready_file=places.ready_file("edge"),
            digest=settings.sip.digest,
            domains=settings.sip.domains,
            trunks=tuple(_trunk(trunk) for trunk in settings.sip.trunks),
            guests=Guests(True, guests.networks, guests.rate) if guests else Guests(),
            limits=Limits(
                refusals_per_source=limits.refusals_per_source,
                answers_per_source=limits.answers_per_source,
                worker_rate=limits.worker_rate,
            ),
            dialled_numbers=prepared.all_numbers,
        )

    def console(ports: dict[str, int]) -> ConsoleConfig:
        return ConsoleConfig(
            accounts_db=places.accounts_db,
            sessions_db=places.sessions_db,
            home=places.last_good,
            store_url=store_url,
            broker_url=_broker_url(settings, ports),
            broker_user="console",
            broker_password=prepared.broker_passwords["console"],
            customers_url=customers,
            customers_cache=settings.customers_cache,
            recordings=places.recordings,
            gateway=places.gateway_socket if settings.browser_phones else "",
            bind=network.bind,
            port=ports.get("console_port", settings.ports.console),
            ready_file=places.ready_file("console"),
            session_idle=settings.sessions.idle,
            session_longest=settings.sessions.longest,
            utc_offset=utc_offset(settings.time_zone),
            time_zone=settings.time_zone,
            call_me=_call_me(settings, prepared),
        )

    def gateway(ports: dict[str, int]) -> GatewayConfig:
        return GatewayConfig(
            address=places.gateway_socket,
            bind=network.bind,
            advertise=network.advertise,
            edge_host=network.advertise,
            edge_port=ports["sip_port"],
            accounts_db=places.accounts_db,
            realm=settings.sip.realm,
            calls_file=places.gateway_calls,
            ready_file=places.ready_file("gateway"),
        )

    def workers(ports: dict[str, int]) -> Workers:
        def one(name: str, slice_: int) -> WorkerConfig:
            return WorkerConfig(
                name=name,
                engine_address=places.engine_socket,
                placement_address=places.placement_socket,
                edge_host=network.advertise,
                edge_port=ports["sip_port"],
                realm=settings.sip.realm,
                secret=prepared.secret,
                recordings=str(places.recordings),
                rtp_port=settings.ports.rtp_first + slice_ * RTP_PORTS_PER_WORKER,
                rtp_ports=RTP_PORTS_PER_WORKER,
                bind=network.bind,
                media_address=network.advertise,
                apology=prepared.apology,
                recognisers=spoken.sockets,
                max_length=prepared.maximum_length,
                reuse_limit=settings.workers.recycle_after,
                media_timeout=settings.workers.media_timeout,
                inband_dtmf=settings.sip.inband_dtmf,
                domains=settings.sip.domains,
            )

        return Workers(
            f"{socket.gethostname()}/main",
            WORKER,
            one,
            settings.workers.spares,
            settings.workers.max,
        )

    def broker(ports: dict[str, int]) -> BrokerConfig:
        port = ports.get("broker_port", settings.ports.broker)
        return BrokerConfig(port, places.broker, prepared.broker_passwords, places.ready_file("broker"))

    services: list[Service] = []
    if settings.broker_url.startswith("embedded"):
        services.append(Service("broker", embedded_broker.serve, broker))
    services += [
        Service("engine", ENGINE, engine),
        Service("edge", EDGE, edge, drains=True),
        # Nobody waits for it: its imports take a second, and a center without it is a center with desk phones.
        *([Service("gateway", GATEWAY, gateway, ready=False)] if settings.browser_phones else []),
        Service("console", CONSOLE, console),
        *spoken.services,
    ]
    return Plan(
        places,
        tuple(services),
        workers,
        preload=PRELOAD,
        log=LogSettings(places.log, settings.log_level.upper()),
        addresses={
            "host": network.advertise,
            "realm": settings.sip.realm,
            "home": str(settings.home),
            "var": str(settings.var),
            "accounts": str(places.accounts_db.with_name("accounts.txt")),
        },
    )


def _call_me(settings: Settings, prepared: Prepared) -> CallMeDoor | None:
    """Its ids are signed with a key of their own, so that the console need not know ours."""
    door = settings.call_me
    if door is None:
        return None
    return CallMeDoor(
        prepared.call_me_key,
        hmac.digest(prepared.secret, b"call-me ids", "sha256"),
        door.origins,
        (door.per_number.count, door.per_number.seconds),
        (door.per_address.count, door.per_address.seconds),
    )


def _trunk(trunk: settings_of.Trunk) -> Trunk:
    ours = trunk.register
    account = TrunkAccount(ours.user, ours.password, ours.registrar, ours.expires) if ours else None
    return Trunk(trunk.name, trunk.networks, trunk.account, trunk.destination, account)


def _broker_url(settings: Settings, ports: dict[str, int]) -> str:
    if settings.broker_url.startswith("embedded"):
        return f"mqtt://127.0.0.1:{ports['broker_port']}"
    return settings.broker_url

"""How this installation runs: config/engine.yaml, sip.yaml and speech.yaml under environment under options.

The order is option > environment > YAML > default. Nothing here changes while the engine runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from cti_engine.core.listening import CapacitySettings, SpeechSettings, VerdictSettings, VoiceSettings
from cti_engine.definitions import setting_keys as keys
from cti_engine.definitions.problems import Path as Place
from cti_engine.definitions.problems import Problem, has_errors
from cti_engine.definitions.shapes import Keys, Shape
from cti_engine.definitions.yaml_source import Document, Node, plain_node, read_yaml


@dataclass(frozen=True, slots=True)
class Network:
    """`advertise` is what phones are told: SIP contacts and RTP."""

    bind: str
    advertise: str


@dataclass(frozen=True, slots=True)
class Ports:
    """0 takes any free one. RTP ports are `rtp_first` to `rtp_last`, both included."""

    sip: int
    console: int
    broker: int
    rtp_first: int
    rtp_last: int


@dataclass(frozen=True, slots=True)
class Workers:
    """`media_timeout`: seconds."""

    spares: int
    max: int
    recycle_after: int
    media_timeout: float


@dataclass(frozen=True, slots=True)
class Guests:
    """Callers without an account. `rate`: calls a second per address."""

    networks: tuple[str, ...]
    rate: float
    to: str = "dialled_numbers"


@dataclass(frozen=True, slots=True)
class TrunkAccount:
    """Our account at a carrier. `expires` in seconds."""

    user: str
    password: str = field(repr=False)
    registrar: str
    expires: float


@dataclass(frozen=True, slots=True)
class Trunk:
    """Known by address (`networks`) or by an `account` here; `destination` is `host:port[;transport=tcp]`."""

    name: str
    networks: tuple[str, ...] = ()
    account: str = ""
    destination: str = ""
    register: TrunkAccount | None = None


@dataclass(frozen=True, slots=True)
class SipLimits:
    """Per second."""

    refusals_per_source: float
    answers_per_source: float
    worker_rate: float


@dataclass(frozen=True, slots=True)
class Sip:
    """`guests` None: nobody calls without an account. `inband_dtmf`: `auto`, `always` or `never`."""

    realm: str
    digest: str
    inband_dtmf: str
    domains: tuple[str, ...]
    guests: Guests | None
    trunks: tuple[Trunk, ...]
    limits: SipLimits


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `count` in `seconds`."""

    count: int
    seconds: float


@dataclass(frozen=True, slots=True)
class CallMe:
    """The door of POST /api/call-me; what may be asked for there is in `CallMeRules`."""

    origins: tuple[str, ...]
    per_number: Rate
    per_address: Rate


@dataclass(frozen=True, slots=True)
class Voices:
    """Who speaks prompts: `engines` in order; `piper` has that one's voice files by language."""

    engines: tuple[str, ...]
    piper: Mapping[str, Path]


@dataclass(frozen=True, slots=True)
class SessionTimes:
    """How long a log-in to the pages lasts, in seconds: without a human there, and at all."""

    idle: float
    longest: float


@dataclass(frozen=True, slots=True)
class Settings:
    """`home` and `var` are absolute. `time_zone` is empty for the machine's own. `call_me` None: nobody may ask."""

    home: Path
    var: Path
    network: Network
    ports: Ports
    store_url: str = field(repr=False)  # may hold a password
    broker_url: str = field(repr=False)
    customers_url: str = field(repr=False)
    customers_cache: str = field(repr=False)
    sip: Sip
    workers: Workers
    browser_phones: bool
    sessions: SessionTimes
    log_level: str
    time_zone: str
    keep_events_days: int
    speech: SpeechSettings
    voices: Voices
    call_me: CallMe | None = None


OVERRIDES: Mapping[str, tuple[str, Shape, tuple[str, ...]]] = {
    "store_url": ("CTI_STORE_URL", keys.STORE_URL, ("store_url",)),
    "broker_url": ("CTI_BROKER_URL", keys.BROKER_URL, ("broker_url",)),
    "customers_url": ("CTI_CUSTOMERS_URL", keys.CUSTOMERS_URL, ("customers_url",)),
    "customers_cache": ("CTI_CUSTOMERS_CACHE", keys.CUSTOMERS_CACHE, ("customers_cache",)),
    "bind": ("CTI_BIND", keys.ADDRESS, ("network", "bind")),
    "advertise": ("CTI_ADVERTISE", keys.ADDRESS, ("network", "advertise")),
    "sip_port": ("CTI_SIP_PORT", keys.PORT, ("ports", "sip")),
    "console_port": ("CTI_CONSOLE_PORT", keys.PORT, ("ports", "console")),
    "broker_port": ("CTI_BROKER_PORT", keys.PORT, ("ports", "broker")),
    "rtp_ports": ("CTI_RTP_PORTS", keys.RTP_PORTS, ("ports", "rtp")),
    "log_level": ("CTI_LOG_LEVEL", keys.LOG_LEVEL, ("log", "level")),
}
"""Option name: its environment variable, what it may be, and its place in engine.yaml."""


def load_settings(
    home: Path | None, environment: Mapping[str, str], options: Mapping[str, object]
) -> tuple[Settings | None, list[Problem]]:
    """None when there are errors. `home` None: option `home`, CTI_HOME, else the current folder.

    Options (of OVERRIDES, `home`, `var`) that are None were not given.
    """
    given = {name: str(value) for name, value in options.items() if value is not None}
    folder = (home or Path(given.get("home") or environment.get("CTI_HOME") or ".")).expanduser().resolve()
    var = Path(given.get("var") or environment.get("CTI_VAR") or "var").expanduser().resolve()
    engine, sip = _read(folder, "config/engine.yaml"), _read(folder, "config/sip.yaml")
    speech = _read(folder, "config/speech.yaml")
    from_environment = Document("environment", Node(0, 0, {}))
    from_options = Document("options", Node(0, 0, {}))

    written = _checked(engine, keys.ENGINE)
    spoken = _checked(speech, keys.SPEECH)
    for name, (variable, shape, place) in OVERRIDES.items():
        for document, key, text in (
            (from_environment, variable, environment.get(variable) or None),  # empty is not given
            (from_options, name, given.get(name)),
        ):
            if text is not None:
                _override(written, place, shape.read(document, plain_node(text), (key,)))

    settings = Settings(
        home=folder,
        var=var,
        network=_network(engine, written["network"]),
        ports=_ports(engine, written["ports"]),
        store_url=written["store_url"],
        broker_url=written["broker_url"],
        customers_url=written["customers_url"],
        customers_cache=written["customers_cache"],
        sip=_sip(sip, folder),
        workers=Workers(**written["workers"]),
        browser_phones=written["browser_phones"],
        sessions=SessionTimes(**written["sessions"]),
        log_level=written["log"]["level"],
        time_zone=_time_zone(engine, written["time_zone"]),
        keep_events_days=written["keep_events_days"],
        speech=_speech(speech, spoken),
        voices=_voices(speech, folder, spoken["prompts"]),
        call_me=_call_me(written["call_me"]),
    )
    documents = (from_options, from_environment, engine, sip, speech)
    problems = [problem for document in documents for problem in sorted(document.problems)]
    return (None if has_errors(problems) else settings), problems


def _read(home: Path, file: str) -> Document:
    """A file that is not there means all defaults."""
    try:
        return read_yaml(file, (home / file).read_bytes())
    except FileNotFoundError:
        return Document(file, Node(0, 0, {}))
    except OSError as error:
        document = Document(file, Node(0, 0, {}))
        document.give_up(0, 0, f"cannot be read: {error.strerror}")
        return document


def _checked(document: Document, shape: Keys) -> dict[str, Any]:
    return shape.read(document, document.root, ())


def _override(written: dict[str, Any], place: tuple[str, ...], value: object) -> None:
    *sections, key = place
    for section in sections:
        written[section] = {**written[section]}  # defaults are shared
        written = written[section]
    written[key] = value


def _network(document: Document, written: dict[str, Any]) -> Network:
    bind, advertise = written["bind"], written["advertise"] or written["bind"]
    for key, text in (("bind", bind), ("advertise", advertise)):
        if text and not _is_address(text):
            document.problem(("network", key), f"{text} is not an IP address")
            return Network(bind, advertise)
    if advertise and ip_address(advertise).is_unspecified:
        document.problem(
            ("network",), f"phones cannot reach {advertise}", "advertise: the address of this machine"
        )
    return Network(bind, advertise)


def _ports(document: Document, written: dict[str, Any]) -> Ports:
    first, last = (int(port) for port in (written["rtp"] or "0-0").split("-"))
    place: Place = ("ports", "rtp")
    if written["rtp"] and not 1024 <= first < last <= 65535:
        document.problem(place, f"{first}-{last} is no range of ports", "e.g. 20000-29999")
    fixed = {name: written[name] for name in ("sip", "console", "broker")}
    for name, port in fixed.items():
        same = [other for other in fixed if fixed[other] == port != 0]
        if same[:1] not in ([], [name]):
            document.problem(("ports", name), f"{port} is {same[0]}'s port already")
    if first <= fixed["sip"] <= last:
        document.problem(place, f"the SIP port {fixed['sip']} is inside {first}-{last}")
    return Ports(**fixed, rtp_first=first, rtp_last=last)


def _call_me(written: dict[str, Any] | None) -> CallMe | None:
    if written is None:
        return None
    rates = (_counted(written[key]) for key in ("per_number", "per_address"))
    return CallMe(tuple(written["origins"]), *rates)


def _counted(text: str) -> Rate:
    count, _, unit = (text or "1/s").partition("/")
    return Rate(int(count), {"s": 1.0, "m": 60.0, "h": 3600.0}[unit])


def _time_zone(document: Document, name: str) -> str:
    if name and name != "UTC":
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            text = f"{name} is not a time zone of this machine"
            document.problem(("time_zone",), text, "e.g. Europe/Madrid; apt-get install tzdata")
    return str(name)


def _sip(document: Document, home: Path) -> Sip:
    written = _checked(document, keys.SIP)
    guests = written["guests"]
    if guests is not None:
        networks = _networks(document, ("guests", "networks"), guests["networks"])
        guests = Guests(networks, _rate(guests["rate"]), guests["to"])
    trunks = tuple(_trunk(document, home, name, trunk) for name, trunk in written["trunks"].items())
    limits = SipLimits(**written["limits"])
    return Sip(
        written["realm"],
        written["digest"],
        written["inband_dtmf"],
        written["domains"],
        guests,
        trunks,
        limits,
    )


def _voices(document: Document, home: Path, written: dict[str, Any]) -> Voices:
    engines = tuple(dict.fromkeys(written["engines"]))
    piper = {language: home / file for language, file in written["piper"].items() if file}
    for language, voice in piper.items():
        place: Place = ("prompts", "piper", language)
        for file in (voice, voice.with_name(voice.name + ".json")):
            if not file.is_file():
                document.problem(
                    place, f"there is no file {file}", "a Piper voice is two files: .onnx and .onnx.json"
                )
        if "piper" not in engines:
            document.problem(place, "Piper is not among the engines", "engines: [piper, nanotts, espeak-ng]")
    return Voices(engines, piper)


def _speech(document: Document, written: dict[str, Any]) -> SpeechSettings:
    verdict = VerdictSettings(**written["verdict"])
    if verdict.confirm > verdict.accept:
        document.problem(
            ("verdict", "confirm"), f"{verdict.confirm:g} is more than accept, {verdict.accept:g}"
        )
    return SpeechSettings(
        written["enabled"],
        VoiceSettings(**written["voice"]),
        verdict,
        CapacitySettings(**written["capacity"]),
        written["models"],
    )


def _trunk(document: Document, home: Path, name: str, written: dict[str, Any]) -> Trunk:
    place: Place = ("trunks", name)
    networks = _networks(document, (*place, "networks"), written["networks"])
    register = written["register"]
    if not (networks or written["account"] or register):
        text = "nothing says which calls are this trunk's"
        document.problem(place, text, "add networks: [...], account: or register:")
    if register is not None:
        register = TrunkAccount(
            register["user"],
            _password(document, (*place, "register", "password_file"), home, register["password_file"]),
            register["registrar"],
            register["expires"],
        )
    return Trunk(name, networks, written["account"], written["destination"], register)


def _password(document: Document, place: Place, home: Path, file: str) -> str:
    if not file:
        return ""
    try:
        lines = (home / file).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        document.problem(place, f"{file} cannot be read: {reason}")
        return ""
    if not lines or not lines[0].strip():
        document.problem(place, f"{file} is empty", "the password is its first line")
        return ""
    return lines[0].strip()


def _networks(document: Document, place: Place, written: tuple[str, ...]) -> tuple[str, ...]:
    for index, text in enumerate(written):
        if text and not _is_network(text):
            document.problem((*place, index), f"{text} is not a network", "e.g. 192.168.0.0/16")
    return written


def _is_network(text: str) -> bool:
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _rate(text: str) -> float:
    """Per second; the shape has seen to its form."""
    count, _, unit = (text or "0/s").partition("/")
    return int(count) / (1 if unit == "s" else 60)

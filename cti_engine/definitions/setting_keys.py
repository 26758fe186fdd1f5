"""The keys of config/engine.yaml, config/sip.yaml and config/speech.yaml."""

from __future__ import annotations

from cti_engine.core.listening import CapacitySettings, VerdictSettings, VoiceSettings
from cti_engine.definitions.call_me_loader import CALL_ME
from cti_engine.definitions.callback_loader import CALLBACKS
from cti_engine.definitions.outbound_loader import EMERGENCY, OUTBOUND
from cti_engine.definitions.recording_notices import NOTICE
from cti_engine.definitions.shapes import (
    IDENTIFIER,
    LANGUAGE,
    Duration,
    Flag,
    Key,
    Keys,
    Many,
    Number,
    Table,
    Text,
)
from cti_engine.definitions.site_loader import CALLS, SUPERVISION, TRANSFERS
from cti_engine.definitions.zones import TIME_ZONE

PORT = Number(0, 65535)
RTP_PORTS = Text("a range of ports such as 20000-29999", r"\d{2,5}-\d{2,5}")
STORE_URL = Text(
    "sqlite:, sqlite:PATH, redis://HOST or rediss://HOST", r"sqlite:.*|(redis|rediss|unix)://.+", secret=True
)
CUSTOMERS_URL = Text(
    "sqlite:, sqlite:PATH or postgresql://USER@HOST/DATABASE", r"sqlite:.*|postgres(ql)?://.+", secret=True
)
CUSTOMERS_CACHE = Text("redis://HOST or rediss://HOST", r"(redis|rediss|unix)://.+", secret=True)
BROKER_URL = Text("embedded:, mqtt://HOST or mqtts://HOST", r"embedded:|mqtts?://.+", secret=True)
ADDRESS = Text("an IP address such as 192.168.1.10", r"[0-9a-fA-F.:]+")
NETWORK_RANGE = Text("an address or a network such as 192.168.0.0/16", r"[0-9a-fA-F.:]+(/\d{1,3})?")
LOG_LEVEL = Text("a log level", choices=("debug", "info", "warning", "error"))

NETWORK = Keys(
    (
        Key("bind", ADDRESS, "the address of this machine to listen on; 0.0.0.0 for all", "127.0.0.1"),
        Key("advertise", ADDRESS, "the address that phones reach; bind's if not written", ""),
    )
)
PORTS = Keys(
    (
        Key("sip", PORT, "SIP, UDP and TCP; 0 takes any free one, here and below", 5060),
        Key("console", PORT, "the pages of agents and supervisors", 8080),
        Key("broker", PORT, "the embedded MQTT broker", 18830),
        Key("rtp", RTP_PORTS, "audio, in slices per worker", "20000-29999"),
    )
)
WORKERS = Keys(
    (
        Key("spares", Number(1, 200), "idle workers that stand ready", 4),
        Key("max", Number(1, 2000), "workers at most: each call in the center needs one", 100),
        Key("recycle_after", Number(1, 100_000), "calls until a worker is replaced by a fresh one", 200),
        Key("media_timeout", Duration(0, 86400),
            "a phone that sends no RTP for so long has vanished, and its call is ended; 0s never", 30.0),
    )
)  # fmt: skip
SESSIONS = Keys(
    (
        Key("idle", Duration(60, 86400),
            "a session ends after so long without key or pointer; not of who is ready or in a contact", 3600.0),
        Key("longest", Duration(600, 7 * 86400), "any session ends so long after the log-in", 12 * 3600.0),
    )
)  # fmt: skip
LOG = Keys((Key("level", LOG_LEVEL, "how much is logged", "info"),))

ENGINE = Keys(
    (
        Key("network", NETWORK, "where it listens", NETWORK.blank()),
        Key("ports", PORTS, "on which ports", PORTS.blank()),
        Key("store_url", STORE_URL, "where calls are kept", "sqlite:"),
        Key("broker_url", BROKER_URL, "where events are published", "embedded:"),
        Key("customers_url", CUSTOMERS_URL, "where customers are kept", "sqlite:"),
        Key(
            "customers_cache",
            CUSTOMERS_CACHE,
            "a Redis that keeps profiles for a few seconds; none if not written",
            "",
        ),
        Key("time_zone", TIME_ZONE, "the center's; the machine's own if not written", ""),
        Key("workers", WORKERS, "processes that carry calls", WORKERS.blank()),
        Key("browser_phones", Flag(), "whether agents may use their browser as a phone", True),
        Key("sessions", SESSIONS, "how long a log-in to the pages lasts", SESSIONS.blank()),
        Key("calls", CALLS, "rules for every call", CALLS.blank()),
        Key("callbacks", CALLBACKS, "who is called back, and how", CALLBACKS.blank()),
        Key("transfers", TRANSFERS, "where flows may transfer calls", TRANSFERS.blank()),
        Key("outbound", OUTBOUND, "which agents may call whom", OUTBOUND.blank()),
        Key("emergency", EMERGENCY, "what becomes of emergency numbers", None),
        Key("recording", Many(NOTICE), "what callers are told of recording: the first that fits", ()),
        Key("supervision", SUPERVISION, "supervisors who listen to calls", SUPERVISION.blank()),
        Key("call_me", CALL_ME, "callbacks asked for on the company's web site; off if not written", None),
        Key("keep_events_days", Number(1, 3650), "how long events are kept; call records stay for ever", 90),
        Key("log", LOG, "the log", LOG.blank()),
    )
)

RATE = Text("a rate such as 2/s or 30/m", r"\d{1,5}/[sm]")
GUESTS = Keys(
    (
        Key("networks", Many(NETWORK_RANGE), "where they may call from", ()),
        Key(
            "to",
            Text("what guests reach", choices=("dialled_numbers",)),
            "what they reach",
            "dialled_numbers",
        ),
        Key("rate", RATE, "calls per address", "2/s"),
    )
)
REGISTER = Keys(
    (
        Key("user", Text(), "the user the carrier gave"),
        Key("password_file", Text(), "a file with the password on its first line, relative to CTI_HOME"),
        Key(
            "registrar",
            Text(
                "HOST, HOST:PORT, or either with ;transport=tcp", r"[\w.-]+(:\d{1,5})?(;transport=(udp|tcp))?"
            ),
            "the carrier's registrar",
        ),
        Key("expires", Duration(60, 86400), "how often it is renewed", 600.0),
    )
)
TRUNK = Keys(
    (
        Key("networks", Many(NETWORK_RANGE), "addresses its calls come from", ()),
        Key("account", Text(), "or the account that it registers here with", ""),
        Key(
            "destination",
            Text("HOST:PORT, or HOST:PORT;transport=tcp", r"[\w.-]+(:\d{1,5})?(;transport=(udp|tcp))?"),
            "where calls to the outside go",
            "",
        ),
        Key("register", REGISTER, "register at the carrier", None),
    )
)
SIP_LIMITS = Keys(
    (
        Key("refusals_per_source", Number(0.1, 10_000, decimal=True),
            "answers a second to an address that is refused; above it none", 5.0),
        Key("answers_per_source", Number(1, 100_000, decimal=True),
            "challenges and OPTIONS answered a second per address", 200.0),
        Key("worker_rate", Number(1, 80, decimal=True), "INVITEs a second to one worker", 20.0),
    )
)  # fmt: skip
SIP = Keys(
    (
        Key(
            "realm",
            Text("a realm such as cti", r"[\w.-]{1,64}"),
            "never change it: passwords hang on it",
            "cti",
        ),
        Key("digest", Text("a digest algorithm", choices=("md5", "sha-256")), "for new accounts", "md5"),
        Key(
            "inband_dtmf",
            Text("when to listen for keys as tones", choices=("auto", "always", "never")),
            "keys as tones in the audio: auto is only from phones that offer no telephone-event (RFC 4733)",
            "auto",
        ),
        Key("domains", Many(Text("a host name", r"[\w.-]+")), "further names of this SIP server", ()),
        Key("guests", GUESTS, "callers without an account; nobody if not written", None),
        Key("trunks", Table(TRUNK, IDENTIFIER), "carriers by name", {}),
        Key("limits", SIP_LIMITS, "against floods", SIP_LIMITS.blank()),
    )
)

_VOICE, _VERDICT, _CAPACITY = VoiceSettings(), VerdictSettings(), CapacitySettings()
DECIBELS = Number(0, 60, decimal=True)
LEVEL = Number(-90, 0, decimal=True)
SHARE = Number(0, 1, decimal=True)
VOICE = Keys(
    (
        Key("above_noise", DECIBELS, "dB over the line's noise from which a sound may be speech", _VOICE.above_noise),
        Key("quietest", LEVEL, "dBFS below which nothing is speech", _VOICE.quietest),
        Key("prompt_level", LEVEL, "dBFS that prompts have", _VOICE.prompt_level),
        Key("echo_loss", DECIBELS, "dB by which a prompt's echo is softer than the prompt", _VOICE.echo_loss),
        Key("echo_peaks", DECIBELS, "dB by which loud moments of a prompt stand out", _VOICE.echo_peaks),
        Key("probability", SHARE, "from which the voice detector is believed", _VOICE.probability),
        Key("ends_after", Duration(0.1, 3), "silence that ends what a caller says", _VOICE.ends_after),
        Key("phrase_ends_after", Duration(0.1, 5),
            "the same after the beginning of a longer phrase", _VOICE.phrase_ends_after),
    )
)  # fmt: skip
VERDICT = Keys(
    (
        Key("accept", SHARE, "confidence from which a choice is taken", _VERDICT.accept),
        Key(
            "confirm",
            SHARE,
            "confidence from which is asked back; below, it was not understood",
            _VERDICT.confirm,
        ),
        Key("distance", SHARE, "how far in sound what was heard may be from a phrase", _VERDICT.distance),
    )
)
CAPACITY = Keys(
    (
        Key("vosk", Number(1, 200), "callers who speak to Vosk at once, for each core", _CAPACITY.vosk),
        Key(
            "whisper",
            Number(1, 200),
            "callers who speak to Whisper at once, for each core",
            _CAPACITY.whisper,
        ),
    )
)
VOICE_ENGINES = ("piper", "hibari", "nanotts", "espeak-ng")
PROMPTS = Keys(
    (
        Key("engines", Many(Text("a voice engine", choices=VOICE_ENGINES), 1),
            "who speaks: the first that is installed and has a voice for the language", ("nanotts", "espeak-ng")),
        Key("piper", Table(Text("an .onnx file", r".+\.onnx"), LANGUAGE), "Piper's voice by language", {}),
    )
)  # fmt: skip
SPEECH = Keys(
    (
        Key("enabled", Flag(), "whether callers may speak; without it they press keys", True),
        Key("models", Table(Text("a folder"), LANGUAGE),
            "folders of Vosk models by language, instead of the installed ones", {}),
        Key("voice", VOICE, "when speech begins and ends", VOICE.blank()),
        Key("verdict", VERDICT, "what is taken, and what is asked back", VERDICT.blank()),
        Key("capacity", CAPACITY, "how many callers may speak at once", CAPACITY.blank()),
        Key("prompts", PROMPTS, "who speaks to callers", PROMPTS.blank()),
    )
)  # fmt: skip

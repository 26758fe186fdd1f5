"""Commands: what to do outside. The core returns them; the runtime stores them, then sends them.

A command is harmless when it arrives twice (the link numbers them) and when its leg is gone (it is refused).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cti_engine.core.signals import Dialog


@dataclass(frozen=True, slots=True)
class Prompt:
    """One piece of what a caller hears; the runtime turns it into sound files.

    `kind`: `text` (spoken by text to speech), `sound` (a name from the sound packages, e.g.
    `queue-thankyou`), `file` (a WAV path), `music` (a music-on-hold class; `default`), `pause` (milliseconds).
    """

    kind: str
    value: str
    language: str = "en"


# --- to a SIP worker ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AnswerLeg:
    worker: str
    leg: str


@dataclass(frozen=True, slots=True)
class RejectLeg:
    worker: str
    leg: str
    sip_code: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class DialLeg:
    """Ring `target` (a user registered at the edge, or E.164 through a trunk) from `worker`.

    `caller_number` and `caller_name` are shown to the phone. `leg` is named by the core. `fresh`: the worker refuses it
    (`wrong_state`) while it serves another contact. `transfers`: it is an agent's phone, which may transfer the call
    by itself (REFER, TransferAsked), and whose second line comes to this worker.
    """

    worker: str
    leg: str
    contact: str
    target: str
    caller_number: str
    caller_name: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    fresh: bool = False
    transfers: bool = False


@dataclass(frozen=True, slots=True)
class EndLeg:
    """BYE, CANCEL or a final answer, whichever the leg's state asks for.

    `sip_code` is used when an incoming leg was never answered; `reason` goes into a Reason header.
    """

    worker: str
    leg: str
    sip_code: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PlayPrompts:
    """Play a list to a leg, replacing what plays there. `repeat` loops for ever (music)."""

    worker: str
    leg: str
    playback: str
    prompts: tuple[Prompt, ...]
    stop_on_digit: bool = False
    repeat: bool = False


@dataclass(frozen=True, slots=True)
class StopPlayback:
    worker: str
    leg: str
    playback: str


@dataclass(frozen=True, slots=True)
class Listen:
    """Recognise what the caller on `leg` says, in the place of what listens there; speech stops what plays to it.

    `phrases`: by choice what may be said for it, in words of `language`; empty: open speech. It is over with one
    SpeechHeard or ListeningFailed, or with StopListening, the leg or another Listen, which are not answered. Silence
    is never told: who waits has a deadline, which SpeechStarted puts off. Speech is cut after `longest` seconds.
    """

    worker: str
    leg: str
    listening: str
    language: str
    phrases: dict[str, tuple[str, ...]]
    longest: float = 10.0


@dataclass(frozen=True, slots=True)
class StopListening:
    worker: str
    leg: str
    listening: str


@dataclass(frozen=True, slots=True)
class SetAudioPaths:
    """Who hears whom in the whole worker, as (speaker leg, listener leg) pairs; sent whole."""

    worker: str
    paths: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class StartRecording:
    """Two gap-free mono files (caller side, agent side), interleaved to `name`.wav at the end.

    Without an agent it is a message: one mono file, ended by the worker too after `longest` seconds, after `silence`
    seconds without a voice, and with the leg (0: not by that).
    """

    worker: str
    recording: str
    name: str
    caller_leg: str
    agent_leg: str = ""
    longest: float = 0.0
    silence: float = 0.0


@dataclass(frozen=True, slots=True)
class StopRecording:
    worker: str
    recording: str


@dataclass(frozen=True, slots=True)
class PauseRecording:
    """While `paused` silence is recorded in the place of what is said, so that the file keeps its time."""

    worker: str
    recording: str
    paused: bool


@dataclass(frozen=True, slots=True)
class RecordLegs:
    """From now on the agent's side records these legs together; without any, silence is recorded on both sides."""

    worker: str
    recording: str
    legs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SendDigits:
    """Press keys on `leg`, the way its phone has offered (RFC 4733, else SIP INFO). They may be a secret."""

    worker: str
    leg: str
    digits: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class TellTransfer:
    """What came of the transfer that the phone of `leg` asked for: a NOTIFY (RFC 3515) with this final code."""

    worker: str
    leg: str
    sip_code: int


# --- to the edge -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EndDialog:
    """Send a BYE in the name of a worker that is gone, so that the phone does not stay busy."""

    leg: str
    dialog: Dialog


@dataclass(frozen=True, slots=True)
class SetDialledNumbers:
    """What callers may dial; sent at every start of the edge and after every change of the files."""

    numbers: tuple[str, ...]


# --- to the runtime ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LookUp:
    """Ask the customer store for `number`; LookupReturned follows within `deadline` seconds."""

    contact: str
    number: str
    deadline: float


@dataclass(frozen=True, slots=True)
class CallService:
    """Ask `service` of config/services.yaml; one ServiceAnswered for `request` follows within `deadline` seconds
    and the service's own deadline.

    `arguments` may hold a PIN: they are neither stored nor logged. After a restart of the engine nobody answers, and
    whoever still wants to know asks again with another `request`.
    """

    contact: str
    request: str
    service: str
    arguments: dict[str, object] = field(repr=False)
    deadline: float


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a request. `code` is empty when `ok`, else a closed list for the page."""

    request: str
    ok: bool
    code: str = ""
    text: str = ""
    result: dict[str, object] = field(default_factory=dict)


WorkerCommand = (
    AnswerLeg | RejectLeg | DialLeg | EndLeg | PlayPrompts | StopPlayback | Listen | StopListening
    | SetAudioPaths | StartRecording | StopRecording | PauseRecording | RecordLegs
    | SendDigits | TellTransfer
)  # fmt: skip
EdgeCommand = EndDialog | SetDialledNumbers
Command = WorkerCommand | EdgeCommand | LookUp | CallService | Reply

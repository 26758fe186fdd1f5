"""Signals: what happened outside. Frozen facts from workers, edge, look-ups and pages, for `Acd.handle`.

Leg ids are opaque: the worker names a leg that comes in, the core names a leg that it dials.
Field conventions: numbers as dialled or E.164, times in seconds, `sip_code` 0 where there was none.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cti_engine.core.callback_signals import CallbackSignal
from cti_engine.core.customer_signals import CustomerSignal
from cti_engine.core.line_quality import LineChanged
from cti_engine.core.party_signals import PartySignal


@dataclass(frozen=True, slots=True)
class Dialog:
    """What anybody needs to send a BYE for a leg whose worker is gone (RFC 3261 section 12)."""

    call_id: str
    local_uri: str
    local_tag: str
    remote_uri: str
    remote_tag: str
    local_cseq: int
    remote_target: str
    route_set: tuple[str, ...] = ()


# --- from a SIP worker -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class InviteReceived:
    """A caller's INVITE has been placed on `worker`, which has answered 180.

    `source` is what the edge vouches for: `trunk:NAME`, `account:USER` or `guest`. `headers` are only those that the
    core may read (User-to-User, ...).
    """

    worker: str
    leg: str
    ani: str
    dnis: str
    name: str = ""
    source: str = "guest"
    call_id: str = ""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LegRinging:
    """A dialled phone rings (180/183). `dialog` (early) is what a CANCEL would need."""

    worker: str
    leg: str
    sip_code: int = 180
    dialog: Dialog | None = None


@dataclass(frozen=True, slots=True)
class LegAnswered:
    """A leg is connected (200 and ACK) and its audio can be bridged."""

    worker: str
    leg: str
    dialog: Dialog


@dataclass(frozen=True, slots=True)
class LegFailed:
    """A dialled leg ended before it was answered (486, 480, 404, 408, 603, 487 ...)."""

    worker: str
    leg: str
    sip_code: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class LegEnded:
    """A leg is over. `by`: `remote` (BYE or CANCEL from the phone), `local` (we ended it), `media_timeout` (its RTP
    stayed away: the phone has vanished) or `shut_down` (the worker was told to stop). Sent for incoming legs that
    never connected too, and exactly once per leg unless LegFailed was.
    """

    worker: str
    leg: str
    by: str
    sip_code: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class DigitPressed:
    """One key, `0`-`9`, `*`, `#`, `A`-`D`. `method`: `rfc4733`, `info` or `inband`."""

    worker: str
    leg: str
    digit: str
    method: str = "rfc4733"


@dataclass(frozen=True, slots=True)
class PlaybackEnded:
    """A prompt list is over: `completed` False when it was stopped (command, digit, leg ended)."""

    worker: str
    leg: str
    playback: str
    completed: bool


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The caller has begun to speak; what played to the leg has been stopped (PlaybackEnded tells it too)."""

    worker: str
    leg: str
    listening: str


@dataclass(frozen=True, slots=True)
class SpeechPartial:
    """What the caller has said so far; only of engines that stream, and at most a few a second."""

    worker: str
    leg: str
    listening: str
    text: str


@dataclass(frozen=True, slots=True)
class SpeechHeard:
    """The caller has spoken and the listening is over.

    `verdict`: `accept` (take `choice`), `confirm` (ask "did you say ...?" first) or `reject` (not understood: `choice`
    is empty, and `text` too when there was only noise). With open speech `choice` is empty and `accept` means: there
    is a text. `confidence` 0 to 1; `engine` is who understood; `seconds` is how long the speech was.
    """

    worker: str
    leg: str
    listening: str
    verdict: str
    choice: str = ""
    text: str = ""
    confidence: float = 0.0
    engine: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class ListeningFailed:
    """Nobody listens (any longer): the caller goes on with keys. `reason`: `no_engine` (none for the language),
    `unavailable` (the recogniser is away or died), `overloaded` (no stream is free) or `bad_words` (none is usable).
    """

    worker: str
    leg: str
    listening: str
    reason: str


@dataclass(frozen=True, slots=True)
class RecordingEnded:
    """Both mono files are closed and interleaved to the stereo file at `path`, `seconds` long. Of one leg alone: its
    mono file; `path` is empty when it said nothing.
    """

    worker: str
    recording: str
    path: str
    seconds: float


@dataclass(frozen=True, slots=True)
class LegHeld:
    """The phone itself put the leg on hold (`held` True) or took it back, by re-INVITE."""

    worker: str
    leg: str
    held: bool


@dataclass(frozen=True, slots=True)
class TransferAsked:
    """The phone of an agent wants its call transferred (REFER) and was answered 202; TellTransfer says how it ends.

    `target`: the number or user it names. `replaces`: the leg of its other line on this worker whose call is to take
    the place of this one (attended); empty: `target` is to be called (blind).
    """

    worker: str
    leg: str
    target: str
    replaces: str = ""


@dataclass(frozen=True, slots=True)
class CommandRefused:
    """A worker could not do a command. `code`: see `sip_worker.worker.Refused`; `leg`, `recording`: what it named."""

    worker: str
    command: str
    leg: str
    code: str
    text: str = ""
    recording: str = ""


@dataclass(frozen=True, slots=True)
class WorkerSeen:
    """A worker connected (again) and says which legs live, so that the core can reconcile."""

    worker: str
    legs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WorkerLost:
    """A worker process is gone for good; whatever lived on it is over."""

    worker: str
    reason: str = ""


# --- from the edge -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PhoneRegistered:
    """A phone of `user` is reachable until `expires_in` seconds from now."""

    user: str
    contact: str
    expires_in: float


@dataclass(frozen=True, slots=True)
class PhoneUnregistered:
    """The last phone of `user` is gone (un-REGISTER or expiry)."""

    user: str


@dataclass(frozen=True, slots=True)
class EdgeSeen:
    """The edge connected (again): all users that have a live registration."""

    users: tuple[str, ...] = ()


# --- look-ups ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LookupReturned:
    """The customer look-up for a contact came back; `profile` empty when nobody was found."""

    contact: str
    profile: dict[str, object] = field(default_factory=dict)
    error: str = ""


@dataclass(frozen=True, slots=True)
class ProfileFilledIn:
    """An outside CRM has answered, later than the call could wait: a part of a profile."""

    contact: str
    profile: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TicketWritten:
    """The console has changed a ticket, as its `seq`th change; `told`: the fields of TicketChanged."""

    seq: int
    told: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ServiceAnswered:
    """What CallService asked came back: `values` by the names that the service declares, each of its type.

    `error` is empty, or why there are none: `deadline`, `unreachable` (no connection), `failed` (an answer that is no
    2xx), `not_found` (404: there is no such customer or order), `bad_answer` (too large, no JSON, a value missing or of
    another type), `overloaded` (too many ask it now), `resting` (it has failed too often just now) or `not_set_up` (no
    such service any more, a secret is missing, an argument does not fit).
    """

    contact: str
    request: str
    values: dict[str, object] = field(default_factory=dict, repr=False)
    error: str = ""


# --- requests of agents and supervisors, already authenticated by the console -------------------


@dataclass(frozen=True, slots=True)
class PageOpened:
    """An agent's page is open, so a pop can be shown there."""

    agent: str
    page: str


@dataclass(frozen=True, slots=True)
class PageClosed:
    agent: str
    page: str


@dataclass(frozen=True, slots=True)
class ConsoleLost:
    """A console process died: all its pages, named `CONSOLE/...`, are closed."""

    console: str


@dataclass(frozen=True, slots=True)
class OfferShown:
    """The pop of this offer has been painted on the agent's page."""

    agent: str
    offer: str


@dataclass(frozen=True, slots=True)
class ReadyRequested:
    request: str
    agent: str


@dataclass(frozen=True, slots=True)
class NotReadyRequested:
    request: str
    agent: str
    reason: str


@dataclass(frozen=True, slots=True)
class LogOutRequested:
    request: str
    agent: str


@dataclass(frozen=True, slots=True)
class HangUpRequested:
    """`state_version` is the one the page saw; an older one is refused (decision 13)."""

    request: str
    agent: str
    contact: str
    state_version: int


@dataclass(frozen=True, slots=True)
class HoldRequested:
    """The caller hears music and nobody hears the caller, or (`held` False) both talk again."""

    request: str
    agent: str
    contact: str
    state_version: int
    held: bool


@dataclass(frozen=True, slots=True)
class MuteRequested:
    """Nobody hears the agent, who hears everybody."""

    request: str
    agent: str
    contact: str
    state_version: int
    muted: bool


@dataclass(frozen=True, slots=True)
class DigitsRequested:
    """Press these keys towards the other side: 1 to 32 of 0-9, * and #. They may be a secret."""

    request: str
    agent: str
    contact: str
    state_version: int
    digits: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class PauseRecordingRequested:
    """Silence is recorded until it is asked for again with `paused` False: a card number is about to be said."""

    request: str
    agent: str
    contact: str
    state_version: int
    paused: bool


@dataclass(frozen=True, slots=True)
class AcceptRequested:
    """Take the offered contact in the page: a message, for which no phone rings."""

    request: str
    agent: str
    contact: str


@dataclass(frozen=True, slots=True)
class HintAnswerRequested:
    """The customer's `answer` to an offer that the page shows: accepted, declined or not_now."""

    request: str
    agent: str
    contact: str
    state_version: int
    offer: str
    answer: str


@dataclass(frozen=True, slots=True)
class DialRequested:
    """Call this number: the agent's phone rings first. `name` is what the page calls who is called."""

    request: str
    agent: str
    number: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class DispositionSubmitted:
    """Ends the wrap-up of `contact`. `disposition` is a code of config/dispositions.yaml."""

    request: str
    agent: str
    contact: str
    disposition: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class ExplainRequested:
    """Why does this contact wait? `agent` is who asks."""

    request: str
    agent: str
    contact: str


@dataclass(frozen=True, slots=True)
class WaitingRequested:
    """Which calls wait in `queue`? `agent` is who asks."""

    request: str
    agent: str
    queue: str


@dataclass(frozen=True, slots=True)
class CallMeRequested:
    """Somebody wants to be called at `number` (E.164), as callers of `queue` are served; asked for on a web page."""

    request: str
    number: str
    queue: str
    name: str = ""
    language: str = ""
    attributes: dict[str, object] = field(default_factory=dict)


# --- the clock ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TimePassed:
    """The one timer of the runtime fired: whatever is due at `now` expires."""


@dataclass(frozen=True, slots=True)
class Restarted:
    """The engine has loaded its state again; deadlines that fell due meanwhile get `grace` seconds."""

    grace: float = 2.0


Signal = (
    InviteReceived | LegRinging | LegAnswered | LegFailed | LegEnded | DigitPressed | PlaybackEnded | SpeechStarted
    | SpeechPartial | SpeechHeard | ListeningFailed | RecordingEnded | LegHeld | TransferAsked | CommandRefused
    | WorkerSeen | WorkerLost | PhoneRegistered | PhoneUnregistered | EdgeSeen | LookupReturned | ProfileFilledIn
    | TicketWritten | ServiceAnswered | PageOpened | PageClosed | ConsoleLost | OfferShown | ReadyRequested
    | NotReadyRequested | LogOutRequested | CallMeRequested | HangUpRequested | HoldRequested | MuteRequested
    | DigitsRequested | PauseRecordingRequested | AcceptRequested | HintAnswerRequested | DialRequested
    | DispositionSubmitted | ExplainRequested | WaitingRequested | TimePassed | Restarted | PartySignal
    | CallbackSignal | CustomerSignal | LineChanged
)  # fmt: skip

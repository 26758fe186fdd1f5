"""What the outside says that is not so: signals of legs that are not there, of others, again, in no order."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from cti_engine.core import signals
from cti_engine.core.signals import Signal
from tests.scenarios.playbook import dialog

if TYPE_CHECKING:
    from tests.properties.world import World


def lie(world: World) -> Signal:
    """Something again, or of a leg that is not there, or not the way phones behave."""
    rng = world.rng
    if world.recent and rng.random() < 0.3:
        return world.again(rng.choice(world.recent))
    legs = sorted(world.center.legs) or ["l0"]
    leg = rng.choice([*legs, "l999", "w1/1"])
    known = world.center.legs.get(leg)
    worker = known.worker if known is not None and rng.random() < 0.8 else "w999"
    offer = rng.choice([*sorted(world.center.reservations), "o0"])
    contact = rng.choice([*sorted(world.center.contacts), "c0"])
    agent = rng.choice(("ana", "john", "maria", "nobody"))
    refused = rng.choice(("DialLeg", "AnswerLeg", "EndLeg", "PlayFiles", "StartRecording", "StopPlayback"))
    made: list[Callable[[], Signal]] = [
        lambda: signals.LegRinging(worker, leg),
        lambda: signals.LegAnswered(worker, leg, dialog(leg)),
        lambda: signals.LegFailed(worker, leg, rng.choice((0, 486, 500))),
        lambda: signals.LegEnded(worker, leg, rng.choice(("remote", "local", "media_timeout", "shut_down"))),
        lambda: signals.PlaybackEnded(worker, leg, f"p{rng.randrange(60)}", rng.random() < 0.5),
        lambda: signals.SpeechStarted(worker, leg, f"s{rng.randrange(60)}"),
        lambda: signals.SpeechHeard(
            worker, leg, f"s{rng.randrange(60)}", rng.choice(("accept", "reject")), "1"
        ),
        lambda: signals.ListeningFailed(worker, leg, f"s{rng.randrange(60)}", "unavailable"),
        lambda: signals.RecordingEnded(worker, f"r{rng.randrange(9)}", "/x", 1.0),
        lambda: signals.LegHeld(worker, leg, rng.random() < 0.5),
        lambda: signals.TransferAsked(
            worker, leg, rng.choice(("john", "2000", "x")), rng.choice(("", *legs))
        ),
        lambda: signals.CommandRefused(worker, refused, leg, rng.choice(("no_such_leg", "failed"))),
        lambda: signals.WorkerSeen(worker, tuple(rng.sample(legs, rng.randrange(len(legs) + 1)))),
        lambda: signals.WorkerLost(world.a_spent_worker()),
        lambda: signals.OfferShown(agent, offer),
        lambda: (signals.LookupReturned, signals.ProfileFilledIn)[len(contact) % 2](
            contact, {"customer": 5, "name": None, "contacts": "nonsense"}
        ),
        lambda: signals.ServiceAnswered(contact, "s1", {"balance": "nonsense"}, rng.choice(("", "deadline"))),
        lambda: signals.HangUpRequested(world.request("h"), agent, contact, rng.randrange(6)),
        lambda: signals.DispositionSubmitted(world.request("d"), agent, contact, "sold"),
        lambda: signals.PhoneUnregistered("nobody"),
        lambda: signals.ReadyRequested(world.request("r"), "nobody"),
    ]
    return rng.choice(made)()

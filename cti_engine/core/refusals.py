"""Why a request is not done: each code with its text. The only list; the console tells it to other desktops too."""

from __future__ import annotations

REFUSALS = {
    "unknown_agent": "no such agent",
    "phone_not_registered": "your phone is not registered; check it, then try again",
    "unknown_reason": "no such not-ready reason",
    "stale": "the call has moved on; nothing was done",
    "not_your_call": "this is not your call",
    "wrong_state": "not possible in this state",
    "unknown_disposition": "no such disposition",
    "unknown_answer": "accepted, declined or not_now",
    "unknown_offer": "this was not offered in this call",
    "bad_digits": "1 to 32 keys of 0-9, * and #",
    "not_recorded": "this call is not recorded",
    "unknown_target": "there is nobody of that name to give it to",
    "target_busy": "not free, or without a phone",
    "number_not_allowed": "this number may not be called from here",
    "no_leg_left": "this call has as many phones as it can have",
    "others_in_call": "others are in this call; first let them go, or complete it",
    "nobody_consulted": "nobody is being consulted",
    "not_in_conference": "this one does not talk with the caller",
    "no_supervisor": "no supervisor is free, and there is no queue for that",
    "nothing_parked": "nothing is parked there",
    "takes_calls": "who takes calls cannot listen in; use the account of a supervisor",
    "on_the_phone": "your phone is in another call; hang up there first",
    "unknown_mode": "listen, whisper or barge",
    "not_listening": "you do not listen to this call",
    "nobody_to_listen_to": "this agent talks with nobody now",
    "unknown_contact": "no such call; it may be over",
    "unknown_queue": "no such queue",
    # call me
    "off": "nobody is called back from here",
    "closed": "nobody calls back at this hour",
    "bad_number": "this is no number that is called",
    "bad_attributes": "an attribute that may not be given, or not with this value",
    # outbound calls
    "not_permitted": "you may not call out",
    "not_idle": "not possible during a contact, or logged out",
    "emergency": "not in an emergency call",
    "emergency_refused": "emergency numbers are not called from here: use a mobile phone",
    "no_line": "no line is free now; try again in a moment",
}

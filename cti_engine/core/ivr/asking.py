"""Questions: menus, digits and open speech. A key always wins over what is said at the same time.

While `candidate` is set the caller is being asked whether that choice of the menu is what was said.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cti_engine.core.ivr.actions import Answered, HeardSoFar
from cti_engine.core.ivr.flow import Content, Fixed, Flow, Gather, Menu, OpenQuestion, Question, Survey
from cti_engine.core.ivr.phrases import NO, NO_KEY, USE_KEYS, YES, YES_KEY

if TYPE_CHECKING:
    from cti_engine.core.ivr.run import Run

LONGEST_PHRASE = 10.0
"""Seconds that a choice may take to say."""
RESULT_MARGIN = 3.0
"""Seconds after the longest speech within which its result must be there."""
ENTER = "#"
"""Ends a choice of which a longer one might come."""
RUB_OUT = "*"
"""Who mistyped begins again with it."""
BETWEEN = 2.0
"""Seconds in which the second key of a choice such as 10 may follow."""
TELL_EVERY = 1.0
"""Seconds between two words to those who watch of what a caller is saying."""
NOISES = 2
"""After so many noises taken for speech, a step goes on with keys."""


@dataclass(frozen=True, slots=True)
class Said:
    """`verdict`: `accept`, `confirm` or `reject`; `text` is empty when there was only noise."""

    verdict: str
    choice: str = ""
    text: str = ""


# --- asking -----------------------------------------------------------------------------------


def open_question(run: Run, step: Question) -> None:
    """Keys pressed before the question answer it at once, unless it must be heard first."""
    if isinstance(step, Gather) and step.sensitive:
        run.keep_secret("", "")
        run.keep_secret(step.into, None)
    if not (run.ahead and step.barge_in):
        run.ahead = ""
        ask(run, step, _wording(run, step))
        return
    run.silence()
    run.state.phase = "listening"
    before = run.entered, run.state.tries
    while run.ahead and (run.entered, run.state.tries) == before:
        pressed, run.ahead = run.ahead[0], run.ahead[1:]
        key(run, step, pressed)


def ask(run: Run, step: Question, *contents: Content) -> None:
    state = run.state
    state.phase, state.deadline = "playing", None
    if step.barge_in:
        _hear(run, step)
    if not run.play(*contents, stop_on_digit=step.barge_in, repeat=False):
        run.silence()
        prompt_over(run, step)


def again(run: Run, step: Question) -> None:
    """The same question once more, from its beginning."""
    run.state.candidate = ""
    _forget_digits(run, step)
    ask(run, step, _wording(run, step))


def prompt_over(run: Run, step: Question) -> None:
    run.state.phase = "listening"
    run.state.deadline = run.now + step.timeout
    if not run.state.listening:
        _hear(run, step)


def _wording(run: Run, step: Question) -> Content:
    """Callers who like to speak are asked in those words, until it does not work."""
    voice = step.voice_prompt
    speaks = _wants_voice(run) and not run.state.keys_only and not run.state.tries
    return voice if voice is not None and speaks else step.prompt


def _hear(run: Run, step: Question) -> None:
    """Who likes to answer by keys is not listened to, but for what no key can answer."""
    language = run.state.language
    if run.state.keys_only or run.state.noises >= NOISES:
        return
    if isinstance(step, OpenQuestion):
        run.listen({}, step.longest)
    elif run.names("call.answer_by") == "keys":
        return
    elif run.state.candidate:
        if language in YES:
            run.listen({YES_KEY: YES[language], NO_KEY: NO[language]}, LONGEST_PHRASE)
    elif isinstance(step, Menu):
        phrases = {
            name: words for name, choice in step.choices.items() if (words := choice.words.get(language))
        }
        if phrases:
            run.listen(phrases, LONGEST_PHRASE)


# --- keys -------------------------------------------------------------------------------------


def key(run: Run, step: Question, pressed: str) -> None:
    run.stop_listening()
    if isinstance(step, Gather):
        _gathered(run, step, pressed)
    elif isinstance(step, Menu):
        candidate, run.state.candidate = run.state.candidate, ""
        if candidate and pressed == YES_KEY:
            chosen(run, step, candidate, "voice")
        elif candidate and pressed == NO_KEY:
            _missed(run, step, no_match=True)
        else:
            _pressed(run, step, pressed)
    else:
        _missed(run, step, no_match=True)


def _pressed(run: Run, menu: Menu, key: str) -> None:
    """At once, unless a longer choice begins so: 1 waits a moment for the 0 of 10."""
    state = run.state
    keys = state.digits + (key if key != ENTER or not state.digits else "")
    if key != ENTER and any(name.startswith(keys) and name != keys for name in menu.choices):
        state.phase, state.digits, state.deadline = "listening", keys, run.now + BETWEEN
    else:
        chosen(run, menu, keys, "key")


def chosen(run: Run, menu: Menu, name: str, way: str) -> None:
    choice = menu.choices.get(name)
    if choice is None:
        _missed(run, menu, no_match=True)
        return
    label = choice.label.get(run.state.language, choice.go_to)
    run.state.path.append(f"{run.state.step}:{name} {label}" if name != label else f"{run.state.step}:{name}")
    if isinstance(menu, Survey):
        run.state.variables[menu.into] = int(name)
        run.actions.append(Answered(run.flow.id, menu.into, menu.scale, int(name), way))
        run.attributes({menu.into: int(name)})
        run.enter(choice.go_to)
    else:
        run.enter(choice.go_to, name)


def _gathered(run: Run, step: Gather, pressed: str) -> None:
    digits = run.secret("") if step.sensitive else run.state.digits
    if digits is None:  # a restart has lost the first of them
        again(run, step)
        return
    run.state.phase = "listening"
    if pressed == step.terminator:
        _complete(run, step, digits)
        return
    digits = "" if pressed == RUB_OUT else digits + pressed
    if step.sensitive:
        run.keep_secret("", digits)
    else:
        run.state.digits = digits
    if len(digits) >= step.most:
        _complete(run, step, digits)
    else:
        run.state.deadline = run.now + (step.between if digits else step.timeout)


def _complete(run: Run, step: Gather, digits: str) -> None:
    if not digits:
        _missed(run, step, no_match=False)
    elif not step.least <= len(digits) <= step.most or not digits.isdecimal() or not step.check.holds(digits):
        _missed(run, step, no_match=True)
    else:
        if step.sensitive:
            run.keep_secret(step.into, digits)
            run.keep_secret("", None)
        else:
            run.state.variables[step.into] = digits
        run.enter(step.next)


def _forget_digits(run: Run, step: Question) -> None:
    run.state.digits = ""
    if isinstance(step, Gather) and step.sensitive:
        run.keep_secret("", "")


def where_gathered(flow: Flow, variable: str) -> str:
    """The step that asks for this sensitive variable."""
    return next(
        name for name, step in flow.steps.items() if isinstance(step, Gather) and step.into == variable
    )


# --- speech -----------------------------------------------------------------------------------


def speech_started(run: Run, step: Question) -> None:
    longest = step.longest if isinstance(step, OpenQuestion) else LONGEST_PHRASE
    run.state.playback = ""
    run.state.phase = "listening"
    run.state.deadline = run.now + longest + RESULT_MARGIN


def hearing(run: Run, step: Question, text: str) -> None:
    """Half a word is told at most every TELL_EVERY seconds, and never one of a secret."""
    if getattr(step, "sensitive", False) or run.now - run.state.told_at < TELL_EVERY:
        return
    run.state.told_at = run.now
    run.actions.append(HeardSoFar(text))


def said(run: Run, step: Question, said: Said) -> None:
    state = run.state
    if said.verdict == "reject" and not said.text:
        state.noises += 1
        again(run, step)
    elif isinstance(step, OpenQuestion):
        if said.verdict == "reject":
            _missed(run, step, no_match=True)
            return
        state.variables[step.into] = said.text
        run.enter(step.next)
    elif state.candidate:
        candidate, state.candidate = state.candidate, ""
        if said.choice == YES_KEY and isinstance(step, Menu):
            chosen(run, step, candidate, "voice")
        else:
            _missed(run, step, no_match=True)
    elif isinstance(step, Menu) and said.verdict != "reject" and said.choice in step.choices:
        question = step.choices[said.choice].confirm
        if said.verdict == "accept":
            chosen(run, step, said.choice, "voice")
        elif question.get(state.language):
            state.candidate = said.choice
            ask(run, step, question)
        else:
            _missed(run, step, no_match=True)
    else:
        _missed(run, step, no_match=True)


def nobody_listens(run: Run, step: Question, reason: str) -> None:
    """Where no recogniser is installed keys are all there is and nothing is said of it."""
    state = run.state
    state.keys_only = True
    if isinstance(step, OpenQuestion):
        state.deadline = None
        run.enter(step.no_match, "no_match")
        return
    spoken = step.voice_prompt is not None and _wants_voice(run)
    if reason != "no_engine" and (spoken or (state.phase == "listening" and not state.playback)):
        sentence = USE_KEYS.get(state.language)
        content = {state.language: ((Fixed("text", sentence),),)} if sentence else {}
        state.candidate = ""
        ask(run, step, content, step.prompt)
    elif spoken:
        ask(run, step, step.prompt)


def _wants_voice(run: Run) -> bool:
    return run.names("call.answer_by") == "voice"


# --- misses -----------------------------------------------------------------------------------


def time_up(run: Run, step: Question) -> None:
    """Nothing more came. Digits that are enough, and keys that are a choice, are taken as they are."""
    if isinstance(step, Gather):
        digits = (run.secret("") or "") if step.sensitive else run.state.digits
        if digits:
            _complete(run, step, digits)
            return
    elif isinstance(step, Menu) and run.state.digits:
        chosen(run, step, run.state.digits, "key")
        return
    run.stop_listening()
    _missed(run, step, no_match=False)


def _missed(run: Run, step: Question, *, no_match: bool) -> None:
    """A wrong answer or none: ask again while there are tries left, with keys typed ahead forgotten."""
    state = run.state
    run.stop_listening()
    run.ahead = ""
    state.candidate = ""
    _forget_digits(run, step)
    state.tries += 1
    prompt = step.no_match_prompt if no_match else step.no_input_prompt
    if state.tries > step.retries:
        if no_match:
            run.enter(step.no_match, "no_match")
        else:
            run.enter(step.no_input, "no_input")
    elif prompt is None:
        ask(run, step, step.prompt)
    else:
        ask(run, step, prompt, step.prompt)

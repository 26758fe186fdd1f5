"""Steps that ask: menus, digits, yes or no, surveys and open speech, with what each inherits from the defaults."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from cti_engine.core.ivr import flow as core
from cti_engine.core.ivr.number_words import below_hundred
from cti_engine.core.ivr.phrases import DID_YOU_SAY, NO, NO_KEY, OPERATOR, YES, YES_KEY, Words
from cti_engine.core.ivr.spoken_values import LANGUAGES
from cti_engine.definitions.flow_keys import WrittenStep
from cti_engine.definitions.flow_parts import FlowParts, first
from cti_engine.definitions.problems import Path

LARGEST_ANSWER = 10
"""Of a survey: two keys, and no more than people can tell apart."""


class FlowQuestions(FlowParts):
    def _menu(self, path: Path, step: WrittenStep) -> core.Step:
        menu, inside = step.value, (*path, "menu")
        choices = {
            name: self._choice((*inside, "choices", name), name, choice)
            for name, choice in menu["choices"].items()
        }
        operator = self._written["defaults"]["operator"]
        if operator and "0" not in choices:
            choices["0"] = self._built_in(operator, OPERATOR)
        return core.Menu(choices=choices, **self._asking(path, step))

    def _confirm(self, path: Path, step: WrittenStep) -> core.Step:
        choices = {}
        for key, name, words in ((YES_KEY, "yes", YES), (NO_KEY, "no", NO)):
            target = self._target((*path, "confirm", name), step.value[name])
            choices[key] = self._built_in(target, words)
        return core.Menu(choices=choices, **self._asking(path, step))

    def _survey(self, path: Path, step: WrittenStep) -> core.Step:
        inside, scale, follows = (*path, "survey"), step.value["scale"], self._next(path, step)
        low, high = (int(end) for end in scale.split("-")) if "-" in scale else (1, 5)
        if not low < high <= LARGEST_ANSWER:
            text = f"{scale} is no scale: it goes from a number to a larger one, at most {LARGEST_ANSWER}"
            self._document.problem((*inside, "scale"), text, "1-5, or 0-10")
        choices = {}
        for answer in range(low, min(high, LARGEST_ANSWER) + 1):
            words = {
                language: (below_hundred(answer, language),)
                for language in self._languages
                if language in LANGUAGES
            }
            labels = {
                language: next(iter(words.get(language, ())), str(answer)) for language in self._languages
            }
            choices[str(answer)] = core.Choice(follows, labels, words, self._did_you_say(labels, words))
        return core.Survey(
            choices=choices,
            into=self._variable((*inside, "answer"), step.value["answer"]),
            scale=scale,
            next=follows,
            **self._asking(path, step),
        )

    def _gather(self, path: Path, step: WrittenStep) -> core.Step:
        written, inside = step.value, (*path, "gather")
        least, most = (
            first(written["digits"], written["least"], 1),
            first(written["digits"], written["most"], 20),
        )
        if written["digits"] is not None and (written["least"] is not None or written["most"] is not None):
            self._document.problem(inside, "digits says it all", "either digits:, or least: and most:")
        elif least > most:
            self._document.problem(inside, f"least {least} is more than most {most}", "change them about")
        try:
            re.compile(written["pattern"])
        except re.error as error:
            self._document.problem((*inside, "pattern"), f"no regular expression: {error}", '"[0-9]{8}"')
        return core.Gather(
            into=self._variable((*inside, "into"), written["into"]),
            next=self._next(path, step),
            least=least,
            most=most,
            terminator=written["terminator"],
            between=written["between"],
            check=core.DigitCheck(written["luhn"], written["pattern"]),
            sensitive=written["sensitive"],
            **self._asking(path, step),
        )

    def _listen(self, path: Path, step: WrittenStep) -> core.Step:
        return core.OpenQuestion(
            into=self._variable((*path, "listen", "into"), step.value["into"]),
            next=self._next(path, step),
            longest=step.value["longest"],
            **self._asking(path, step),
        )

    def _asking(self, path: Path, step: WrittenStep) -> dict[str, Any]:
        """What all questions have."""
        written, defaults, inside = step.value, self._written["defaults"], (*path, step.verb)
        voice = written.get("voice_prompt")
        return {
            "prompt": self._content((*inside, "prompt"), written["prompt"]),
            "voice_prompt": None if voice is None else self._content((*inside, "voice_prompt"), voice),
            "no_input": self._miss(inside, "no_input"),
            "no_match": self._miss(inside, "no_match"),
            "retries": first(written["retries"], defaults["retries"], 2),
            "timeout": first(written["timeout"], defaults["timeout"], 5.0),
            "barge_in": first(written["barge_in"], defaults["barge_in"], True),
            "no_input_prompt": self._miss_prompt(inside, "no_input_prompt"),
            "no_match_prompt": self._miss_prompt(inside, "no_match_prompt"),
        }

    def _miss(self, path: Path, key: str) -> str:
        question = self._steps[str(path[1])].value
        if question[key]:
            return self._target((*path, key), question[key])
        inherited = str(self._written["defaults"][key])
        if not inherited and key not in self._document.at(path).keys:
            text = f"{key} is missing: where does a caller go after the last try?"
            self._document.problem(path, text, f"add {key}: here or under defaults:")
        return inherited

    def _miss_prompt(self, path: Path, key: str) -> core.Content | None:
        question = self._steps[str(path[1])].value
        if question[key] is not None:
            return self._content((*path, key), question[key])
        inherited = self._written["defaults"][key]
        return None if inherited is None else self._content(("defaults", key), inherited)

    def _choice(self, path: Path, name: str, choice: dict[str, Any]) -> core.Choice:
        words, label = choice["words"], choice["label"]
        for key in ("words", "label"):
            for language in choice[key]:
                self._language_known((*path, key, language), language)
        if name.isidentifier() and not words:
            self._document.problem(
                path, f"nothing leads to {name}: it is no key and has no words", "add words:"
            )
        labels = {
            language: label.get(language) or next(iter(words.get(language, ())), "") or choice["go_to"]
            for language in self._languages
        }
        target = self._target((*path, "go_to"), choice["go_to"])
        return core.Choice(target, labels, words, self._did_you_say(labels, words))

    def _built_in(self, target: str, words: Words) -> core.Choice:
        """A choice with the engine's own words, where it has them."""
        known = {language: words[language] for language in self._languages if language in words}
        labels = {
            language: known[language][0] if language in known else target for language in self._languages
        }
        return core.Choice(target, labels, known)

    @staticmethod
    def _did_you_say(labels: Mapping[str, str], words: Mapping[str, tuple[str, ...]]) -> core.Content:
        return {
            language: ((core.Fixed("text", DID_YOU_SAY[language].format(label)),),)
            for language, label in labels.items()
            if words.get(language) and language in DID_YOU_SAY
        }

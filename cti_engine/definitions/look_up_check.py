"""What a `look_up` step asks has to be what its service is declared to take and to answer."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cti_engine.core.expressions.suggestion import did_you_mean
from cti_engine.core.expressions.values import UNKNOWN, Scope
from cti_engine.core.ivr.speech import names_in
from cti_engine.core.services import Service
from cti_engine.definitions.problems import Path
from cti_engine.definitions.yaml_source import Document

LONGEST_LOOK_UP = 5.0
"""Seconds, where a service is not known."""


@dataclass(frozen=True, slots=True)
class LookUp:
    """One step as it is written at `path`. `secret`: the flow's sensitive variables."""

    document: Document
    path: Path
    written: Mapping[str, Any]
    arguments: Mapping[str, object]
    scope: Scope
    secret: Collection[str]

    def check(self, services: Mapping[str, Service]) -> Service | None:
        """Tells every problem; None when there is no such service."""
        name = self.written["service"]
        service = services.get(name)
        if service is None:
            hint = did_you_mean(name, services) or "declare it in config/services.yaml"
            self.document.problem((*self.path, "service"), f"there is no service {name}", hint)
            return None
        self._check_arguments(service)
        self._check_answer(service)
        return service

    def _check_arguments(self, service: Service) -> None:
        given = self.written["with"]
        for name in given:
            place = (*self.path, "with", name)
            if name not in service.arguments:
                hint = did_you_mean(name, service.arguments) or _takes(service)
                self.document.key_problem(place, f"{service.id} takes no {name}", hint)
            elif name not in service.sensitive:
                for secret in self._secrets_in(name):
                    text = f"{secret} is sensitive, and {service.id} does not keep {name} secret"
                    hint = f"sensitive: [{name}] for {service.id} in config/services.yaml"
                    self.document.problem(place, text, hint)
        missing = [name for name in service.arguments if name not in given]
        if missing:
            place = (*self.path, "with") if given else self.path
            self.document.problem(place, f"{service.id} needs {' and '.join(missing)}", "add it under with:")

    def _secrets_in(self, argument: str) -> Iterator[str]:
        names = names_in({argument: self.arguments[argument]})
        return (name for name in names if name in self.secret)

    def _check_answer(self, service: Service) -> None:
        for variable, name in self.written["into"].items():
            place = (*self.path, "into", variable)
            answer = service.answer.get(name)
            if answer is None:
                if name:
                    hint = did_you_mean(name, service.answer) or f"it answers {', '.join(service.answer)}"
                    self.document.problem(place, f"{service.id} answers no {name}", hint)
                continue
            found = self.scope.get(variable, UNKNOWN)
            if found not in (UNKNOWN, answer.type):
                text = f"{variable} is a {found}, {name} of {service.id} is a {answer.type}"
                self.document.problem(place, text, "give the variable another first value")
            if variable in self.secret:
                self.document.problem(
                    place, f"{variable} is sensitive: callers alone give it", "take another variable"
                )


def _takes(service: Service) -> str:
    return f"it takes {', '.join(service.arguments)}" if service.arguments else "it takes nothing"

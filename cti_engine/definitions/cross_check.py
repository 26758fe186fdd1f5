"""What no file can know alone: names of flows and queues, and languages along a call's way."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from cti_engine.core.definitions import AgentDefinition, DialledNumber, QueueDefinition, TransferRules
from cti_engine.core.expressions.suggestion import closest_or_all, did_you_mean
from cti_engine.core.ivr.flow import AskCallback, EnterQueue, Flow, GoToFlow, Transfer
from cti_engine.core.ivr.flow_graph import flow_and_run
from cti_engine.definitions.flow_source import FlowSource
from cti_engine.definitions.problems import WARNING
from cti_engine.definitions.problems import Path as Place
from cti_engine.definitions.trunk_check import check_trunk
from cti_engine.definitions.yaml_source import Document

_LEAD_TO_AGENTS = {
    EnterQueue: "enqueue",
    AskCallback: "callback",
    Transfer: "transfer",
    GoToFlow: "transfer",
}


def check_queues_named(source: FlowSource, flows: Mapping[str, Flow], queues: Collection[str] | None) -> None:
    """Every queue and treatment that a flow names exists. `queues` None: their file could not be read."""
    for name, step in source.steps():
        if step.verb not in ("enqueue", "callback", "voicemail"):
            continue
        place: Place = ("steps", name, step.verb)
        queue, treatment = step.value["queue"], step.value.get("treatment")
        if queue and queues is not None and queue not in queues:
            source.document.problem(
                (*place, "queue"), f"there is no queue {queue}", closest_or_all(queue, queues)
            )
        if treatment:
            _flow_named(source.document, (*place, "treatment"), treatment, flows)


def check_transfers(
    source: FlowSource,
    flows: Mapping[str, Flow],
    agents: Mapping[str, AgentDefinition] | None,
    rules: TransferRules,
    trunks: Collection[str] | None,
) -> None:
    """Every flow, agent and trunk that a transfer names exists. None: their file could not be read."""
    for name, step in source.steps():
        if step.verb != "transfer":
            continue
        place: Place = ("steps", name, "transfer")
        if step.value["flow"]:
            _flow_named(source.document, (*place, "flow"), step.value["flow"], flows)
        if "{" in step.value["number"] and not rules.numbers:
            text = "no number that a caller gives is ever dialled: transfers.numbers is empty"
            hint = 'transfers: {numbers: ["+349"]} in config/engine.yaml'
            source.document.problem((*place, "number"), text, hint, severity=WARNING)
        check_trunk(source.document, (*place, "trunk"), step.value["trunk"], trunks)
        agent = step.value["agent"]
        if not agent or agents is None or "{" in agent:
            continue
        known = [*agents, *(each.extension for each in agents.values() if each.extension)]
        if agent not in known:
            source.document.problem(
                (*place, "agent"), f"there is no agent {agent}", closest_or_all(agent, known)
            )


def check_escalation(
    document: Document,
    rules: TransferRules,
    agents: Mapping[str, AgentDefinition] | None,
    queues: Mapping[str, QueueDefinition] | None,
) -> None:
    """Supervisors are agents, and the queue exists. None: the file of them could not be read."""
    for place, agent in enumerate(rules.supervisors):
        if agents is not None and agent not in agents:
            hint = closest_or_all(agent, agents)
            document.problem(("transfers", "supervisors", place), f"there is no agent {agent}", hint)
    queue = rules.escalation_queue
    if queue and queues is not None and queue not in queues:
        text, hint = f"there is no queue {queue}", closest_or_all(queue, queues)
        document.problem(("transfers", "escalation_queue"), text, hint)


def check_queue(
    document: Document,
    queue: QueueDefinition,
    queues: Mapping[str, QueueDefinition],
    flows: Mapping[str, Flow],
) -> None:
    for key, flow in (("treatment", queue.treatment), ("on_time_out", queue.on_time_out)):
        if flow:
            _flow_named(document, ("queues", queue.id, key), flow, flows)
    if queue.after_call is not None:
        _check_after_call(document, ("queues", queue.id, "after_call"), queue.after_call.flow, flows)
    for place, name in (
        (("queues", queue.id, "exhausted"), queue.overflow_to),
        (("queues", queue.id, "when_full", "go_to"), queue.full_to),
    ):
        if name and name not in queues and name not in flows:
            hint = did_you_mean(name, [*queues, *flows])
            document.problem(place, f"there is no queue and no flow {name}", hint)


def _check_after_call(document: Document, place: Place, flow: str, flows: Mapping[str, Flow]) -> None:
    """The caller has been served: neither this flow nor one that it runs may lead to an agent again."""
    if not flow or not _flow_named(document, place, flow, flows):
        return
    for each in flow_and_run(flows[flow], flows):
        for name, step in each.steps.items():
            verb = _LEAD_TO_AGENTS.get(type(step))
            if verb is not None:
                text = f"{each.id} leads to an agent again: its step {name} is a {verb}"
                document.problem(place, text, "take a flow that ends with hang_up")
                return


def check_number(document: Document, number: DialledNumber, flows: Mapping[str, Flow]) -> None:
    place: Place = ("dialled_numbers", number.number)
    if number.flow and _flow_named(document, (*place, "flow"), number.flow, flows):
        languages = flows[number.flow].languages
        if number.language and number.language not in languages:
            text = f"{number.flow} does not speak {number.language}"
            document.problem((*place, "language"), text, f"it speaks {', '.join(languages)}")


def check_languages(
    sources: Iterable[FlowSource], flows: Mapping[str, Flow], queues: Mapping[str, QueueDefinition]
) -> None:
    """A caller should be spoken to in one language while waiting, and after the call, too."""
    for source in sources:
        flow = flows[source.id]
        for name, step in flow.steps.items():
            if not isinstance(step, EnterQueue) or step.queue not in queues:
                continue
            queue = queues[step.queue]
            after = queue.after_call.flow if queue.after_call is not None else ""
            for kind, id_ in (("treatment", step.treatment or queue.treatment), ("after_call", after)):
                other = flows.get(id_)
                missing = set(flow.languages) - set(other.languages if other else flow.languages)
                if other is not None and missing:
                    text = f"{other.id} does not speak {', '.join(sorted(missing))}"
                    hint = f"add it to its languages:, or take another {kind}"
                    source.document.problem(("steps", name, "enqueue"), text, hint, severity=WARNING)


def _flow_named(document: Document, place: Place, name: str, flows: Mapping[str, Flow]) -> bool:
    if name not in flows:
        document.problem(place, f"there is no flow {name}", closest_or_all(name, flows))
    return name in flows

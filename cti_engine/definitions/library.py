"""The admin's files as one set: read whole, checked whole, and given out whole or not at all."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cti_engine.core.definitions import CenterDefinitions, SupervisionRules
from cti_engine.core.hours import names_of
from cti_engine.definitions import cross_check, routing_review
from cti_engine.definitions.calendar_loader import load_calendars
from cti_engine.definitions.call_me_loader import load_call_me
from cti_engine.definitions.callback_loader import callback_rules
from cti_engine.definitions.campaign_loader import load_campaigns, review_campaigns
from cti_engine.definitions.crm_loader import load_crm
from cti_engine.definitions.flow_checks import check_flow
from cti_engine.definitions.flow_loader import build_flow
from cti_engine.definitions.flow_review import WordJudge, review_flows
from cti_engine.definitions.flow_source import attribute_types, read_flow
from cti_engine.definitions.guide_loader import load_guides
from cti_engine.definitions.label_loader import load_labels
from cti_engine.definitions.offer_loader import load_offers, review_offers
from cti_engine.definitions.outbound_loader import (
    emergency_flows,
    load_emergency,
    load_outbound,
    review_emergency,
)
from cti_engine.definitions.place_loader import check_agents, load_shifts, load_sites
from cti_engine.definitions.problems import Problem, has_errors
from cti_engine.definitions.prompt_inventory import all_prompts
from cti_engine.definitions.queue_loader import QueueReader, warn_of_unserved
from cti_engine.definitions.recording_loader import load_recordings, warn_of_unsaid
from cti_engine.definitions.recording_notices import load_notices, notice_flows
from cti_engine.definitions.rule_loader import (
    load_dialled_numbers,
    load_overflow,
    load_priorities,
    load_profiles,
)
from cti_engine.definitions.segment_loader import load_segments
from cti_engine.definitions.service_loader import load_services
from cti_engine.definitions.setting_keys import ENGINE
from cti_engine.definitions.site_loader import (
    call_limits,
    load_agents,
    load_attributes,
    load_dispositions,
    transfer_rules,
)
from cti_engine.definitions.ticket_loader import load_tickets
from cti_engine.definitions.trunk_check import check_trunk
from cti_engine.definitions.yaml_source import Document, Node, read_yaml
from cti_engine.definitions.zones import zone_named


def load_definitions(
    home: Path,
    *,
    over: Path | None = None,
    sounds: Path | None = None,
    review: bool = False,
    words: WordJudge | None = None,
) -> tuple[CenterDefinitions | None, list[Problem]]:
    """None when there are errors; warnings may come with a set. Never raises for what stands in files.

    `over`: a folder with files to be taken in the place of `home`'s, see `layers`. `review`: warn of what is valid but
    surprises too, which a reload has no time for; `words` judges then what callers may say. `sounds`: where WAV files
    are looked for, `home` if not given.
    """
    files = _Files(layers(home, over))
    engine_file = files.read("config/engine.yaml", needed=False)
    attributes_file = files.read("config/attributes.yaml", needed=False)
    agents_file = files.read("config/agents.yaml")
    dispositions_file = files.read("config/dispositions.yaml", needed=False)
    queues_file = files.read("routing_rules/queues.yaml")
    numbers_file = files.read("routing_rules/dialled_numbers.yaml")
    priorities_file = files.read("routing_rules/priorities.yaml", needed=False)
    profiles_file = files.read("routing_rules/profiles.yaml", needed=False)
    overflow_file = files.read("routing_rules/overflow.yaml", needed=False)
    sites_file = files.read("config/sites.yaml", needed=False)
    shifts_file = files.read("config/shifts.yaml", needed=False)
    hours_file = files.read("config/business_hours.yaml", needed=False)
    services_file = files.read("config/services.yaml", needed=False)
    segments_file = files.read("config/segments.yaml", needed=False)
    tickets_file = files.read("config/tickets.yaml", needed=False)
    campaigns_file = files.read("config/campaigns.yaml", needed=False)
    recordings_file = files.read("config/recordings.yaml", needed=False)
    offers_file = files.read("config/offers.yaml", needed=False)
    flow_files = files.all_in("ivr_flows")
    guide_files = files.all_in("guides")
    if has_errors(attributes_file.problems) and attributes_file.unreadable:
        return None, files.problems()  # every other file would seem wrong without the attributes

    engine = ENGINE.read(engine_file, engine_file.root, ())
    trunks = _trunk_names(files.places["config"])
    for section in ("callbacks", "transfers"):
        check_trunk(engine_file, (section, "trunk"), engine[section]["trunk"], trunks)
    calls = engine["calls"]
    attributes = load_attributes(attributes_file)
    people = load_agents(agents_file, attributes)
    dispositions = load_dispositions(dispositions_file)
    agents = None if agents_file.unreadable else people.agents
    reader = QueueReader(queues_file, agents, attributes.agent, attributes.call)
    queues = reader.read()
    known_queues = None if queues_file.unreadable else queues
    profiles = load_profiles(profiles_file, known_queues)
    overflow = load_overflow(overflow_file, known_queues)
    priorities = load_priorities(priorities_file, attributes.call)
    places, shifts = load_sites(sites_file), load_shifts(shifts_file)
    calendars = {} if hours_file.unreadable else load_calendars(hours_file, engine["time_zone"])
    outside = load_services(services_file)
    load_labels(files.read("config/labels.yaml", needed=False))
    crm = load_crm(files.read("config/crm.yaml", needed=False))
    recordings = {} if recordings_file.unreadable else load_recordings(recordings_file, sounds or home)
    zone = zone_named(engine_file, ("time_zone",), engine["time_zone"])
    known_calendars = (
        None if hours_file.unreadable and "config/business_hours.yaml" in files.content else calendars
    )
    callbacks = callback_rules(engine_file, engine["callbacks"], zone, known_calendars)
    transfers = transfer_rules(engine["transfers"])
    outbound = load_outbound(
        engine_file,
        engine["outbound"],
        agents,
        None if profiles_file.unreadable and "routing_rules/profiles.yaml" in files.content else profiles,
        trunks,
    )
    emergency = load_emergency(engine_file, engine["emergency"], trunks)
    call_me = load_call_me(
        engine_file,
        engine["call_me"],
        callbacks,
        known_queues,
        known_calendars,
        attributes.call,
    )
    check_agents(
        agents_file,
        people.agents,
        None if sites_file.unreadable else places.sites,
        None if shifts_file.unreadable else shifts,
        None if profiles_file.unreadable else profiles,
    )
    if not has_errors(attributes_file.problems + agents_file.problems + queues_file.problems):
        warn_of_unserved(queues_file, queues)
    numbers = load_dialled_numbers(numbers_file)
    campaigns = load_campaigns(campaigns_file)
    segments = load_segments(
        segments_file,
        attributes.agent,
        None if numbers_file.unreadable else numbers,
        None if has_errors(dispositions_file.problems) else dispositions,
    )
    tickets = load_tickets(
        tickets_file,
        None if hours_file.unreadable and "config/business_hours.yaml" in files.content else calendars,
        agents,
        [segment.id for segment in segments.segments],
    )
    sources = [read_flow(document, files.content.get(document.file, b"")) for document in flow_files]
    scope = attribute_types(sources, {**attributes.call, **names_of(calendars)})
    by_id = {source.id: source for source in sources}
    guides = load_guides(guide_files, scope)
    services = None if has_errors(services_file.problems) else outside.services
    offers = load_offers(
        offers_file,
        {name: type for name, type in scope.items() if name.startswith("call.")},
        attributes.agent,
        None if dispositions_file.unreadable or has_errors(dispositions_file.problems) else dispositions,
        known_queues,
    )
    flows = {source.id: build_flow(source, scope, by_id, services) for source in sources}

    for source in sources:
        check_flow(source, flows[source.id], sounds or home)
        cross_check.check_queues_named(source, flows, known_queues)
        cross_check.check_transfers(source, flows, agents, transfers, trunks)
    cross_check.check_escalation(engine_file, transfers, agents, known_queues)
    for queue in queues.values():
        cross_check.check_queue(queues_file, queue, queues, flows)
    for number in numbers.values():
        cross_check.check_number(numbers_file, number, flows)
    cross_check.check_languages(sources, flows, queues)

    notices = load_notices(engine_file, engine["recording"], numbers, flows, trunks, segments.vip_numbers)

    problems = files.problems()
    if has_errors(problems):
        return None, problems
    made_flows = {**emergency_flows(emergency), **notice_flows(notices, numbers, flows, segments.vip_numbers)}
    definitions = CenterDefinitions(
        version=files.version(),
        agents=people.agents,
        queues=queues,
        dialled_numbers=numbers,
        flows={**made_flows, **flows},
        written_flows=frozenset(flows),
        not_ready_reasons=people.not_ready_reasons,
        dispositions=dispositions,
        profiles=profiles,
        priorities=priorities.rules,
        re_caller_within=priorities.re_caller_within,
        sites=places.sites,
        regions=places.regions,
        shifts=shifts,
        overflow=overflow,
        calendars=calendars,
        services=outside.services,
        webhooks=outside.webhooks,
        crm=crm,
        recordings=recordings,
        burst=reader.burst,
        limits=call_limits(calls),
        callbacks=callbacks,
        call_me=call_me,
        transfers=transfers,
        outbound=outbound,
        emergency=emergency,
        supervision=SupervisionRules(**engine["supervision"]),
        segments=segments,
        campaigns=campaigns,
        guides=guides,
        tickets=tickets,
        record_calls=calls["record"],
        notices=notices,
        offer_rules=offers,
    )
    if review:
        languages = {each.language: each.number for each in numbers.values()}
        review_offers(offers_file, offers, languages, attributes.call)
        review_emergency(engine_file, emergency)
        routing_review.review(definitions, queues_file, overflow_file)
        review_campaigns(campaigns_file, campaigns.values(), queues, calendars)
        review_flows(by_id, definitions, words)
        if recordings:
            warn_of_unsaid(recordings_file, recordings, all_prompts(flows.values()))
    return definitions, files.problems()


FOLDERS = ("config", "ivr_flows", "routing_rules", "guides")
NEEDED = ("config/agents.yaml", "routing_rules/queues.yaml", "routing_rules/dialled_numbers.yaml")


def layers(home: Path, over: Path | None = None) -> dict[str, tuple[Path, ...]]:
    """For each folder of a set where its files are looked for, the first place first.

    `over` holds such folders, or is a routing_rules folder itself. One with all the files that have to be there (as
    a whole, or as its routing_rules) is taken as it is; of any other one only the files that it has.
    """
    if over is None:
        return {folder: (home / folder,) for folder in FOLDERS}
    if not any((over / folder).is_dir() for folder in FOLDERS):
        rules = (
            (over,)
            if all((over / Path(file).name).exists() for file in NEEDED[1:])
            else (over, home / "routing_rules")
        )
        return {**layers(home), "routing_rules": rules}
    if all((over / file).exists() for file in NEEDED):
        return layers(over)
    return {folder: (over / folder, home / folder) for folder in FOLDERS}


def _trunk_names(places: Sequence[Path]) -> frozenset[str] | None:
    """Of sip.yaml, whose own problems are told where settings are read; None when it cannot be."""
    path = next((place / "sip.yaml" for place in places if (place / "sip.yaml").exists()), None)
    if path is None:
        return frozenset()
    try:
        root = read_yaml("config/sip.yaml", path.read_bytes()).root
    except OSError:
        return None
    if not isinstance(root.value, dict):
        return None
    trunks = root.value.get("trunks")
    return frozenset(trunks.value) if trunks is not None and isinstance(trunks.value, dict) else frozenset()


@dataclass(slots=True)
class _Files:
    """Every file is read once; `content` of the ones that are there."""

    places: Mapping[str, tuple[Path, ...]]
    documents: list[Document] = field(default_factory=list)
    content: dict[str, bytes] = field(default_factory=dict)

    def read(self, file: str, *, needed: bool = True) -> Document:
        """A file that may be absent is then as if each of its keys had its default."""
        document = Document(file, Node(0, 0, {}))
        folder, _, name = file.partition("/")
        here = [place / name for place in self.places[folder]]
        try:
            self.content[file] = next((path for path in here if path.exists()), here[-1]).read_bytes()
            document = read_yaml(file, self.content[file])
        except FileNotFoundError:
            if needed:
                document.give_up(0, 0, "the file is missing", f"looked in {here[-1].parent.parent}")
            document.unreadable = True
        except OSError as error:
            document.give_up(0, 0, f"cannot be read: {error.strerror}")
        self.documents.append(document)
        return document

    def all_in(self, folder: str) -> list[Document]:
        names = {path.name for place in self.places[folder] for path in place.glob("*.yaml")}
        return [self.read(f"{folder}/{name}") for name in sorted(names) if not name.endswith(".test.yaml")]

    def problems(self) -> list[Problem]:
        """In the order of files and lines, each once: an inherited text is looked at by every heir."""
        return sorted({problem for document in self.documents for problem in document.problems})

    def version(self) -> str:
        digest = hashlib.sha256()
        for file, content in sorted(self.content.items()):
            digest.update(f"{file}\0{len(content)}\0".encode() + content)
        return digest.hexdigest()[:12]

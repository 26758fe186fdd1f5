"""The JSON Schemas beside the YAML files, made from the same keys that load them, so that editors complete."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cti_engine.definitions.calendar_loader import CALENDARS
from cti_engine.definitions.campaign_loader import CAMPAIGNS
from cti_engine.definitions.crm_loader import CRM_FILE
from cti_engine.definitions.demo_accounts import DEMO_ACCOUNTS
from cti_engine.definitions.flow_keys import FLOW
from cti_engine.definitions.flow_test_keys import FLOW_TESTS
from cti_engine.definitions.guide_loader import GUIDE
from cti_engine.definitions.label_loader import LABELS_FILE
from cti_engine.definitions.offer_loader import OFFERS
from cti_engine.definitions.place_loader import SHIFTS, SITES
from cti_engine.definitions.queue_loader import QUEUES
from cti_engine.definitions.recording_loader import RECORDINGS
from cti_engine.definitions.rule_loader import DIALLED_NUMBERS, OVERFLOW, PRIORITIES, PROFILES
from cti_engine.definitions.scenario_keys import SCENARIO
from cti_engine.definitions.segment_loader import SEGMENTS
from cti_engine.definitions.service_loader import SERVICES
from cti_engine.definitions.setting_keys import ENGINE, SIP, SPEECH
from cti_engine.definitions.shapes import Keys
from cti_engine.definitions.site_loader import AGENTS, ATTRIBUTES, DISPOSITIONS
from cti_engine.definitions.texts import Content
from cti_engine.definitions.ticket_loader import TICKETS

FILES: Mapping[str, Keys] = {
    "ivr_flows/flow": FLOW,
    "ivr_flows/flow_test": FLOW_TESTS,
    "routing_rules/queues": QUEUES,
    "routing_rules/dialled_numbers": DIALLED_NUMBERS,
    "routing_rules/priorities": PRIORITIES,
    "routing_rules/profiles": PROFILES,
    "routing_rules/overflow": OVERFLOW,
    "scenarios/scenario": SCENARIO,
    "config/sites": SITES,
    "config/shifts": SHIFTS,
    "config/business_hours": CALENDARS,
    "config/services": SERVICES,
    "config/crm": CRM_FILE,
    "config/demo_accounts": DEMO_ACCOUNTS,
    "config/agents": AGENTS,
    "config/attributes": ATTRIBUTES,
    "config/dispositions": DISPOSITIONS,
    "config/engine": ENGINE,
    "config/sip": SIP,
    "config/speech": SPEECH,
    "config/recordings": RECORDINGS,
    "config/segments": SEGMENTS,
    "config/campaigns": CAMPAIGNS,
    "guides/guide": GUIDE,
    "config/tickets": TICKETS,
    "config/offers": OFFERS,
    "config/labels": LABELS_FILE,
}
"""The YAML file each schema is for; flows share the one of `flow`, their tests `flow_test`, scenarios `scenario`."""


def schema_of(name: str) -> dict[str, Any]:
    """The schema of one of FILES."""
    schema = {"$schema": "http://json-schema.org/draft-07/schema#", "title": name, **FILES[name].schema()}
    if FILES[name] is FLOW:
        schema["definitions"] = {"content": Content.definition()}
    return schema


def write_schemas(home: Path) -> None:
    """Write every schema as `NAME.schema.json` beside its files."""
    for name in FILES:
        path = home / f"{name}.schema.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(schema_of(name), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")

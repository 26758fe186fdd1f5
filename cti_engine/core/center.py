"""The state of the whole center, and the four things that machines do to it: touch, emit, command, schedule.

Machines know each other by id and live in modules of functions (`intake`, `offers`, ...); this is what they share.
Nothing here decides anything.
"""

from __future__ import annotations

from cti_engine.core import events as ev
from cti_engine.core.agent import AGENT, LOGGED_OUT, Agent
from cti_engine.core.call_names import Names
from cti_engine.core.commands import Command
from cti_engine.core.contact import VOICEMAIL, Contact
from cti_engine.core.deadlines import Deadlines
from cti_engine.core.definitions import CenterDefinitions, QueueDefinition
from cti_engine.core.expressions.values import Lookup
from cti_engine.core.ivr.flow import Flow, RunFlow
from cti_engine.core.leg import Leg
from cti_engine.core.machine import ILLEGAL, LATE, Table
from cti_engine.core.reporting.service_level import QueueCounts
from cti_engine.core.reservation import Reservation
from cti_engine.core.routing.build import agent_facts, make_index, milliseconds, routing_rules
from cti_engine.core.routing.handle_times import QueueTimes
from cti_engine.core.routing.model import WaitingCall
from cti_engine.core.routing.pool_index import PoolIndex
from cti_engine.core.routing.precision import PrecisionMatcher
from cti_engine.core.routing.wait_estimate import Promise, WaitModel
from cti_engine.core.rows import (
    KIND,
    Counters,
    NamedRow,
    OfferStock,
    OtherPhone,
    Owner,
    ReCaller,
    Row,
    Surveyed,
    WorkerNote,
)
from cti_engine.core.staff import Staff

DAY = 86_400.0


def in_order(id_: str) -> tuple[int, str]:
    """A key that puts l9 before l10: what is done to several rows is done in the order in which they came.

    Never in the order of a dict: that one is another after a restart.
    """
    return len(id_), id_


QUEUES_AT_ONCE = 20
"""Whose counts of earlier definitions are let go of at one signal."""


class Center:
    def __init__(self, definitions: CenterDefinitions, utc_offset: float = 0.0, seed: str = "") -> None:
        self.definitions = definitions
        self.utc_offset = utc_offset
        self.seed = seed
        self.day = 0
        self.now = 0.0
        self.at = 0.0
        self.contacts: dict[str, Contact] = {}
        self.legs: dict[str, Leg] = {}
        self._legs_of: dict[str, dict[str, Leg]] = {}
        self.agents: dict[str, Agent] = {}
        self.reservations: dict[str, Reservation] = {}
        self.queues: dict[str, QueueCounts] = {}
        self.waits: dict[str, WaitModel] = {}
        self.staff = Staff(definitions, self.agents)
        self.old_staff: list[Staff] = []  # of definitions before, let go of by and by
        self.workers: dict[str, WorkerNote] = {}
        self.known_workers: set[str] = set()  # those that have said hello to this life of the engine
        self.other_phones: dict[str, OtherPhone] = {}
        self.recallers: dict[str, ReCaller] = {}
        self.surveyed: dict[str, Surveyed] = {}
        self.offer_stock: dict[str, OfferStock] = {}
        self.handle_times: dict[str, QueueTimes] = {}
        self._parked: dict[str, Contact] = {}
        self.appointments: dict[
            str, dict[str, Contact]
        ] = {}  # promised callbacks by number, as long as they are known
        self.held: dict[str, Contact] = {}  # of them those that wait for their own agent
        self._in_queue: dict[str, dict[str, Contact]] = {}
        self.counters = Counters()
        self.deadlines = Deadlines()
        self.matcher = PrecisionMatcher(
            routing_rules(definitions), agent_facts(definitions), names=self._names_in
        )
        self.flows: dict[tuple[str, str], Flow] = {}
        self.levels_due: list[str] = []  # queues whose levels are to be reckoned by new definitions
        self.groups: frozenset[str] = frozenset()  # of all agents
        self.secrets: dict[str, dict[str, str]] = {}  # by contact, never stored: sensitive digits
        self.commands: list[Command] = []
        self.events: list[tuple[float, ev.Event]] = []
        self.changed: dict[tuple[str, str], Row | dict[str, object] | None] = {}
        self.seen_agents: set[str] = set()
        self.seen_queues: set[str] = set()
        self.seen_supervisors: set[str] = set()
        self.to_match: list[tuple[str, str]] = []
        self.late = 0
        self.anomalies: list[str] = []
        self.definitions_are_new = False
        self.install(definitions)

    # --- definitions ---------------------------------------------------------------------------

    def install(self, definitions: CenterDefinitions, index: PoolIndex | None = None) -> None:
        """Take a validated set; running flows keep their version. `roster` gives it effect at the next signal."""
        self.definitions = definitions
        self.definitions_are_new = True
        for queue in self.waits:
            self._wait_passes(queue)
        self._count_staff_anew()
        for flow in definitions.flows.values():
            self.flows[(flow.id, flow.version)] = flow
        index = index or make_index(definitions, self.matcher.pools_in_use())
        self.matcher.install(index.rules, index=index)

    def queue_definition(self, queue: str) -> QueueDefinition:
        """A queue deleted while calls wait in it is served by nobody until their time-out."""
        found = self.definitions.queues.get(queue)
        return found if found is not None else QueueDefinition(queue, queue, ())

    def members(self, queue: str) -> list[Agent]:
        """Who could serve it by the rules."""
        members = self.queue_definition(queue).members
        return [self.agents[member] for member in members if member in self.agents]

    def forget_unused_flows(self) -> None:
        """Drop flow versions that neither the running set nor a running contact uses."""
        used = {(f.id, f.version) for f in self.definitions.flows.values()}
        for state in (contact.flow for contact in self.contacts.values() if contact.flow is not None):
            used.add((state.flow, state.version))
            used |= {(frame.flow, frame.version) for frame in state.stack}
        waiting = [self.flows[key] for key in used if key in self.flows]
        while waiting:
            for step in waiting.pop().steps.values():
                if isinstance(step, RunFlow) and (key := (step.flow, step.version)) not in used:
                    used.add(key)
                    waiting += [self.flows[key]] if key in self.flows else []
        self.flows = {key: flow for key, flow in self.flows.items() if key in used}

    # --- the four verbs ------------------------------------------------------------------------

    def new_number(self, counter: str) -> int:
        number = self.counters.next[counter] = self.counters.next.get(counter, 0) + 1
        self.changed[("counter", "ids")] = self.counters
        return number

    def new_id(self, prefix: str) -> str:
        return f"{prefix}{self.new_number(prefix)}"

    def touch(self, row: NamedRow) -> None:
        """Mark a row as changed: it is stored with this signal."""
        kind = KIND[type(row)]  # compared by name: this runs ten times a signal
        self.changed[kind, row.id] = row
        if kind == "agent":
            self.seen_agents.add(row.id)
        elif kind == "contact":
            assert isinstance(row, Contact)
            if row.queue:
                self.seen_queues.add(row.queue)
                for standing in row.standings:
                    self.seen_queues.add(standing.queue)
            self.seen_agents.update(row.agents)
            self.seen_supervisors.update(row.supervisors)
        elif kind == "queue":
            self.seen_queues.add(row.id)

    def command(self, command: Command) -> None:
        self.commands.append(command)

    def emit(self, event: ev.Event) -> None:
        """Publish a fact and feed it to the folds that depend on it."""
        self.events.append((self.at, event))
        contact = self.contacts.get(getattr(event, "contact", ""))
        if contact is not None:
            contact.cdr.apply(event, self.at)
            self.touch(contact)
        queue_id = getattr(event, "queue", "")
        counts = self.queues.get(queue_id)
        if counts is not None and (
            contact is None or contact.kind != VOICEMAIL
        ):  # service levels are of calls
            counts.apply(event, self.queue_definition(queue_id).service_level_threshold)
            self.touch(counts)

    def schedule(self, owner: Owner, name: str, at: float | None) -> None:
        """Set or (None) cancel the owner's deadline `name`, wall seconds."""
        key = (KIND[type(owner)], owner.id, name)
        if at is None:
            owner.deadlines.pop(name, None)
            self.deadlines.cancel(key)
        else:
            owner.deadlines[name] = at
            self.deadlines.set(key, at)
        self.touch(owner)

    def cancel_all(self, owner: Owner) -> None:
        for name in list(owner.deadlines):
            self.schedule(owner, name, None)

    def fire(self, table: Table, row: Contact | Leg | Agent | Reservation, input_: str) -> bool:
        """Advance a machine; False when the input is LATE or illegal, then nothing has changed."""
        target = table.next(row.state, input_)
        if target == LATE:
            self.late += 1
            return False
        if target == ILLEGAL:
            self.anomalies.append(f"{table.name} {row.id}: {input_} in state {row.state}")
            return False
        was, row.state = row.state, target
        if isinstance(row, Contact):
            row.version += 1
            if target == "parked":
                self._parked[row.id] = row
            elif was == "parked":
                del self._parked[row.id]
        self.touch(row)
        return True

    @property
    def parked(self) -> list[Contact]:
        """By slot."""
        return sorted(self._parked.values(), key=lambda contact: contact.slot)

    # --- rows come and go ----------------------------------------------------------------------

    def add(self, row: Contact | Leg | Reservation | OtherPhone) -> None:
        self._hold(row.id, row)
        self.touch(row)

    def _hold(self, id_: str, row: Row) -> None:
        match row:
            case Contact():
                self.contacts[id_] = row
                if row.state == "parked":
                    self._parked[id_] = row
                if row.callback is not None and row.callback.due_at:
                    self.appointments.setdefault(row.ani, {})[id_] = row
            case Leg():
                self.legs[id_] = row
                self._legs_of.setdefault(row.contact, {})[id_] = row
            case Agent():
                self.agents[id_] = row
            case Reservation():
                self.reservations[id_] = row
            case QueueCounts():
                self.queues[id_] = row
            case WaitModel():
                self.waits[id_] = row
            case WorkerNote():
                self.workers[id_] = row
            case ReCaller():
                self.recallers[id_] = row
            case Surveyed():
                self.surveyed[id_] = row
            case OfferStock():
                self.offer_stock[id_] = row
            case OtherPhone():
                self.other_phones[id_] = row
            case QueueTimes():
                self.handle_times[id_] = row
            case Counters():
                self.counters = row

    def drop(
        self,
        row: Contact | Leg | Reservation | WorkerNote | ReCaller | Surveyed | OtherPhone | QueueTimes,
    ) -> None:
        if not isinstance(row, Leg | OtherPhone | QueueTimes):
            self.cancel_all(row)
        match row:
            case Contact():
                self.contacts.pop(row.id, None)
                self._forget_appointment(row)
            case Leg():
                self.legs.pop(row.id, None)
                self._forget_leg_of(row)
            case Reservation():
                self.reservations.pop(row.id, None)
            case WorkerNote():
                self.workers.pop(row.id, None)
            case ReCaller():
                self.recallers.pop(row.id, None)
            case Surveyed():
                self.surveyed.pop(row.id, None)
            case OtherPhone():
                self.other_phones.pop(row.id, None)
            case QueueTimes():
                self.handle_times.pop(row.id, None)
        self.changed[(KIND[type(row)], row.id)] = None

    def _forget_appointment(self, contact: Contact) -> None:
        of_number = self.appointments.get(contact.ani, {})
        of_number.pop(contact.id, None)
        if not of_number:
            self.appointments.pop(contact.ani, None)

    def _forget_leg_of(self, leg: Leg) -> None:
        legs = self._legs_of.get(leg.contact, {})
        legs.pop(leg.id, None)
        if not legs:
            self._legs_of.pop(leg.contact, None)

    def legs_of(self, contact: Contact) -> list[Leg]:
        """The caller's, then those of missed offers that are still ending, then the agent's."""
        legs = self._legs_of.get(contact.id, {}).values()
        return sorted(legs, key=lambda leg: (leg.role != "caller", in_order(leg.id)))

    # --- agents --------------------------------------------------------------------------------

    def agent_enters(
        self, agent: Agent, input_: str = "", *, status: str = "", reason: str | None = None
    ) -> bool:
        """Change an agent's state (by the table), status or both, and tell it as one fact."""
        was_state, was_status, was_reason = agent.state, agent.status, agent.reason
        if input_ and not self.fire(AGENT, agent, input_):
            return False
        if status:
            agent.status = status
        if reason is not None:
            agent.reason = reason
        now_is = (agent.state, agent.status, agent.reason)
        if now_is != (was_state, was_status, was_reason):
            self.emit(
                ev.AgentStateChanged(
                    agent.id,
                    agent.status,
                    agent.reason,
                    agent.state,
                    agent.contact,
                    was_status,
                    was_reason,
                    was_state,
                    max(0.0, self.at - agent.since),
                )
            )
            agent.since = self.at
        self.touch(agent)
        self.seen_queues.update(self.matcher.queues_of(agent.id))
        self._tell_matcher(agent, was_state)
        if status or not input_:  # else it serves, or does not, as before
            self._tell_staff(agent)
        return True

    def _tell_matcher(self, agent: Agent, was_state: str) -> None:
        if agent.id not in self.definitions.agents:
            return  # gone from the files; a call in hand goes on
        now = milliseconds(self.now)
        self.matcher.log_in(agent.id, agent.status != LOGGED_OUT)
        if was_state == "idle" != agent.state:
            self.matcher.begin_contact(agent.id, now)
        elif was_state != "idle" == agent.state:
            self.matcher.end_contact(agent.id, now, answered=was_state in ("talking", "wrap_up"))
        self.matcher.set_available(agent.id, agent.available, milliseconds(agent.idle_since))
        if agent.available:
            self.to_match.append(("agent", agent.id))

    def _tell_staff(self, agent: Agent) -> None:
        """Until now it was the old number of agents who served."""
        queues = self.staff.changed_by(agent)
        for queue in queues:
            self._wait_passes(queue)
        self.staff.follow(agent, queues)

    def forget_old_staff(self) -> None:
        if not self.old_staff[-1].forget(QUEUES_AT_ONCE):
            self.old_staff.pop()

    def _count_staff_anew(self) -> None:
        self.old_staff.append(self.staff)
        self.staff = Staff(self.definitions, self.agents)
        for model in self.waits.values():
            if model.line:
                self.staff.of(model.id)  # or its next change would count for the time before it

    def _wait_passes(self, queue: str) -> None:
        model = self.waits.get(queue)
        if model is not None and model.line:
            model.passes(milliseconds(self.now), self.staff.of(queue))
            self.touch(model)

    # --- who waits -----------------------------------------------------------------------------

    def waiting_in(self, queue: str) -> dict[str, Contact]:
        """Contacts in a queue by id, those too for which a phone rings."""
        return self._in_queue.get(queue, {})

    def calls_in(self, queue: str) -> list[Contact]:
        """The same without messages, which can wait: what a service level and a caller's patience are about."""
        return [contact for contact in self.waiting_in(queue).values() if contact.kind != VOICEMAIL]

    def longest_wait(self, queue: str) -> float:
        """Seconds, 0 when no call waits."""
        since = min((contact.queued_at for contact in self.calls_in(queue)), default=self.now)
        return max(0.0, self.now - since)

    def estimate(self, queue: str, ahead: int | None = None) -> Promise | None:
        """The wait of a caller with so many ahead (None: who joins last); not asked whether an agent is free."""
        model = self.waits.get(queue)
        if model is None:
            return None
        return model.promise(self.staff.of(queue), model.line if ahead is None else ahead)

    def stand(self, contact: Contact, queue: str, in_it: bool) -> None:
        """Note that a call is in a queue, or no longer."""
        if in_it:
            self._in_queue.setdefault(queue, {})[contact.id] = contact
        else:
            self._in_queue.get(queue, {}).pop(contact.id, None)
        self.seen_queues.add(queue)

    def waiting_call(self, contact: Contact) -> WaitingCall:
        """The contact as the matcher sees it."""
        return WaitingCall(
            contact=contact.id,
            seq=contact.queue_seq,
            queued_at=milliseconds(contact.queued_at),
            priority=contact.queue_priority,
            head_start=milliseconds(contact.head_start),
            site=str(contact.attributes.get("site", "")),
            names=Names(self, contact),
            stays=contact.kind == VOICEMAIL,
        )

    def _names_in(self, contact: str, queue: str) -> Lookup:
        return Names(self, self.contacts[contact], queue)

    @property
    def day_ends(self) -> float:
        return (self.day + 1) * DAY - self.utc_offset

    def begin_day(self) -> None:
        """At midnight (of the site): whoever waits over midnight counts as offered on the new day."""
        today = int((self.now + self.utc_offset) // DAY)
        if today <= self.day:
            return
        self.day = today
        for counts in self.queues.values():
            if counts.day < today:
                counts.start_day(today, len(self.calls_in(counts.id)))
                self.touch(counts)
        self.matcher.new_day()

    def load(self, rows: dict[tuple[str, str], Row]) -> None:
        """Take stored rows (no `cdr`), rebuild the matcher and the deadlines."""
        for (kind, id_), row in rows.items():
            self._hold(id_, row)
            if isinstance(row, Owner):
                for name, at in row.deadlines.items():
                    self.deadlines.set((kind, id_, name), at)
        self._count_staff_anew()
        for times in self.handle_times.values():
            self.matcher.set_slow(times.id, times.slow)
        now = milliseconds(self.now)
        for agent in self.agents.values():
            if agent.id in self.definitions.agents:
                self._restore_agent(agent, now)
        for contact in sorted(self.contacts.values(), key=lambda contact: contact.queue_seq):
            if "grace" in contact.deadlines:
                self.held[contact.id] = contact
            if contact.in_queue:
                self.matcher.restore(self.waiting_call(contact), contact.standings, now)
                for standing in contact.standings:
                    self.stand(contact, standing.queue, True)
                for agent_id, until in contact.excluded.items():
                    self.matcher.exclude(contact.id, agent_id, milliseconds(until))

    def _restore_agent(self, agent: Agent, now: int) -> None:
        self.matcher.log_in(agent.id, agent.status != LOGGED_OUT)
        if agent.state != "idle":
            self.matcher.begin_contact(agent.id, now)
        self.matcher.set_available(agent.id, agent.available, milliseconds(agent.idle_since))

    def owner(self, kind: str, id_: str) -> Owner | None:
        match kind:
            case "contact":
                return self.contacts.get(id_)
            case "agent":
                return self.agents.get(id_)
            case "reservation":
                return self.reservations.get(id_)
            case "queue":
                return self.queues.get(id_)
            case "recaller":
                return self.recallers.get(id_)
            case "surveyed":
                return self.surveyed.get(id_)
            case _:
                return self.workers.get(id_)

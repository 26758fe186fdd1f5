"""The tables of the customers, in the SQL that SQLite and PostgreSQL share; a change is one more step at the end.

Times are wall seconds; JSON is text. Where a customer is empty, the row is of a number that nobody has.
"""

from __future__ import annotations

from pathlib import Path

from cti_engine.adapters.sql_database import Database, Step, open_database

_FIRST = """
CREATE TABLE IF NOT EXISTS customers(
  customer TEXT PRIMARY KEY, name TEXT NOT NULL, segment TEXT NOT NULL, language TEXT NOT NULL,
  value DOUBLE PRECISION NOT NULL, hints TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS numbers(number TEXT PRIMARY KEY, customer TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS numbers_of ON numbers(customer);
CREATE TABLE IF NOT EXISTS contacts(
  customer TEXT NOT NULL, at DOUBLE PRECISION NOT NULL, source TEXT NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS contacts_of ON contacts(customer, at);
CREATE TABLE IF NOT EXISTS noted(one INTEGER PRIMARY KEY CHECK (one = 1), seq BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS areas(prefix TEXT PRIMARY KEY, place TEXT, languages TEXT)
"""

_ONE_VIEW = """
ALTER TABLE customers ADD COLUMN kind TEXT NOT NULL DEFAULT 'person';
ALTER TABLE customers ADD COLUMN answer_by TEXT NOT NULL DEFAULT '';
ALTER TABLE customers ADD COLUMN channel TEXT NOT NULL DEFAULT '';
ALTER TABLE customers ADD COLUMN preferred_agents TEXT NOT NULL DEFAULT '';
ALTER TABLE customers ADD COLUMN import BIGINT NOT NULL DEFAULT 0;
ALTER TABLE customers ADD COLUMN line BIGINT NOT NULL DEFAULT 0;
CREATE TABLE imports(
  import {KEY}, at DOUBLE PRECISION NOT NULL, file TEXT NOT NULL, taken BIGINT NOT NULL, refused BIGINT NOT NULL);
ALTER TABLE numbers ADD COLUMN answer_by TEXT NOT NULL DEFAULT '';
ALTER TABLE contacts ADD COLUMN number TEXT NOT NULL DEFAULT '';
ALTER TABLE contacts ADD COLUMN channel TEXT NOT NULL DEFAULT 'voice';
ALTER TABLE contacts ADD COLUMN contact TEXT NOT NULL DEFAULT '';
CREATE INDEX contacts_of_number ON contacts(number, at);
CREATE TABLE addresses(customer TEXT NOT NULL, kind TEXT NOT NULL, address TEXT NOT NULL);
CREATE INDEX addresses_of ON addresses(customer);
CREATE INDEX addresses_by ON addresses(kind, address);
CREATE TABLE consents(
  customer TEXT NOT NULL, purpose TEXT NOT NULL, given INTEGER NOT NULL, at DOUBLE PRECISION NOT NULL,
  source TEXT NOT NULL, PRIMARY KEY(customer, purpose));
CREATE TABLE products(
  customer TEXT NOT NULL, product TEXT NOT NULL, since DOUBLE PRECISION, PRIMARY KEY(customer, product));
CREATE TABLE purchases(
  customer TEXT NOT NULL, at DOUBLE PRECISION NOT NULL, product TEXT NOT NULL, amount DOUBLE PRECISION NOT NULL,
  quantity DOUBLE PRECISION NOT NULL, PRIMARY KEY(customer, at, product));
CREATE TABLE notes(
  customer TEXT NOT NULL, at DOUBLE PRECISION NOT NULL, author TEXT NOT NULL, text TEXT NOT NULL);
CREATE INDEX notes_of ON notes(customer, at);
CREATE TABLE surveys(
  customer TEXT NOT NULL, at DOUBLE PRECISION NOT NULL, contact TEXT NOT NULL, flow TEXT NOT NULL,
  question TEXT NOT NULL, scale TEXT NOT NULL, answer DOUBLE PRECISION, agent TEXT NOT NULL, queue TEXT NOT NULL);
CREATE INDEX surveys_of ON surveys(customer, at);
CREATE TABLE scores(
  customer TEXT PRIMARY KEY, segment TEXT NOT NULL, value DOUBLE PRECISION NOT NULL, body TEXT NOT NULL,
  at DOUBLE PRECISION NOT NULL);
CREATE TABLE tickets(
  ticket {KEY}, customer TEXT NOT NULL, category TEXT NOT NULL, subject TEXT NOT NULL, state TEXT NOT NULL,
  priority INTEGER NOT NULL, owner TEXT NOT NULL, contact TEXT NOT NULL, opened_by TEXT NOT NULL,
  opened_at DOUBLE PRECISION NOT NULL, due_at DOUBLE PRECISION, closed_at DOUBLE PRECISION,
  resolution TEXT NOT NULL DEFAULT '', body TEXT NOT NULL DEFAULT '{}');
CREATE INDEX tickets_of ON tickets(customer, closed_at);
CREATE TABLE ticket_steps(
  ticket BIGINT NOT NULL, at DOUBLE PRECISION NOT NULL, author TEXT NOT NULL, step TEXT NOT NULL,
  body TEXT NOT NULL);
CREATE INDEX ticket_steps_of ON ticket_steps(ticket, at);
CREATE TABLE offer_answers(
  customer TEXT NOT NULL, at DOUBLE PRECISION NOT NULL, contact TEXT NOT NULL, offer TEXT NOT NULL,
  answer TEXT NOT NULL, agent TEXT NOT NULL, held_out INTEGER NOT NULL, segment TEXT NOT NULL);
CREATE INDEX offer_answers_of ON offer_answers(customer, at);
CREATE TABLE affinities(
  product TEXT NOT NULL, other TEXT NOT NULL, score DOUBLE PRECISION NOT NULL, PRIMARY KEY(product, other));
CREATE TABLE offer_counts(
  segment TEXT NOT NULL, offer TEXT NOT NULL, accepted DOUBLE PRECISION NOT NULL,
  declined DOUBLE PRECISION NOT NULL, PRIMARY KEY(segment, offer));
CREATE TABLE merges(
  id {KEY}, at DOUBLE PRECISION NOT NULL, author TEXT NOT NULL, kept TEXT NOT NULL, gone TEXT NOT NULL,
  undone_at DOUBLE PRECISION, undo TEXT NOT NULL);
CREATE TABLE outbox(
  seq {KEY}, kind TEXT NOT NULL, body TEXT NOT NULL, at DOUBLE PRECISION NOT NULL)
"""

_TICKETS = """
ALTER TABLE tickets ADD COLUMN queue TEXT NOT NULL DEFAULT '';
ALTER TABLE tickets ADD COLUMN number TEXT NOT NULL DEFAULT '';
ALTER TABLE tickets ADD COLUMN next_at DOUBLE PRECISION;
CREATE INDEX tickets_of_owner ON tickets(owner, closed_at);
CREATE INDEX tickets_of_number ON tickets(number);
CREATE INDEX tickets_open ON tickets(closed_at, due_at);
CREATE INDEX tickets_next ON tickets(next_at);
CREATE TABLE ticket_numbers(one INTEGER PRIMARY KEY, last BIGINT NOT NULL);
INSERT INTO ticket_numbers VALUES(1, 1000)
"""

_CASES = {
    "sqlite": (
        "CREATE VIRTUAL TABLE cases USING"
        " fts5(subject, body, category UNINDEXED, tokenize='unicode61 remove_diacritics 2')",
        "CREATE VIRTUAL TABLE case_words USING fts5vocab(cases, row)",
        "CREATE TRIGGER ticket_gone AFTER DELETE ON tickets BEGIN DELETE FROM cases WHERE rowid=old.ticket;"
        " DELETE FROM ticket_steps WHERE ticket=old.ticket; END",
    ),
    "postgresql": (
        "CREATE TABLE cases(ticket BIGINT PRIMARY KEY REFERENCES tickets ON DELETE CASCADE, words TSVECTOR NOT NULL)",
        "CREATE INDEX cases_by_words ON cases USING GIN(words)",
        "ALTER TABLE ticket_steps ADD FOREIGN KEY(ticket) REFERENCES tickets ON DELETE CASCADE",
    ),
}
"""What is found by full text: resolved tickets (case_search.py). A ticket that is erased is in neither any more."""

_OFFERS = """
ALTER TABLE offer_answers ADD COLUMN affinity DOUBLE PRECISION NOT NULL DEFAULT 0;
CREATE UNIQUE INDEX offer_answers_once ON offer_answers(customer, contact, offer) WHERE contact<>'';
CREATE INDEX offer_answers_by ON offer_answers(segment, offer);
ALTER TABLE offer_counts ADD COLUMN affinity DOUBLE PRECISION NOT NULL DEFAULT 0
"""

_SEGMENTS = """
ALTER TABLE products ADD COLUMN until DOUBLE PRECISION;
CREATE TABLE grants(
  customer TEXT NOT NULL, at DOUBLE PRECISION NOT NULL, contact TEXT NOT NULL, agent TEXT NOT NULL,
  amount DOUBLE PRECISION NOT NULL, currency TEXT NOT NULL, reason TEXT NOT NULL, approved_by TEXT NOT NULL);
CREATE INDEX grants_of ON grants(customer, at);
CREATE TABLE guide_answers(
  customer TEXT NOT NULL, at DOUBLE PRECISION NOT NULL, contact TEXT NOT NULL, agent TEXT NOT NULL,
  guide TEXT NOT NULL, step TEXT NOT NULL, field TEXT NOT NULL, target TEXT NOT NULL, answer TEXT NOT NULL);
CREATE INDEX guide_answers_of ON guide_answers(customer, at);
CREATE INDEX guide_answers_in ON guide_answers(contact);
CREATE TABLE campaign_customers(
  campaign TEXT NOT NULL, place BIGINT NOT NULL, customer TEXT NOT NULL, body TEXT NOT NULL,
  at DOUBLE PRECISION NOT NULL, PRIMARY KEY(campaign, customer))
"""

_RIGHTS = """
CREATE TABLE rights(
  number {KEY}, at DOUBLE PRECISION NOT NULL, author TEXT NOT NULL, what TEXT NOT NULL, customer TEXT NOT NULL,
  body TEXT NOT NULL, done_at DOUBLE PRECISION, compacted INTEGER);
CREATE INDEX rights_pending ON rights(what, done_at)
"""
"""Who exported, merged and erased; an erasure that is not `done_at` holds what the person is known by."""

_SURVEYS = """
ALTER TABLE surveys ADD COLUMN value DOUBLE PRECISION NOT NULL DEFAULT 0;
ALTER TABLE surveys ADD COLUMN recording TEXT NOT NULL DEFAULT '';
ALTER TABLE surveys ADD COLUMN seconds DOUBLE PRECISION NOT NULL DEFAULT 0;
CREATE INDEX surveys_at ON surveys(at);
CREATE TABLE surveys_asked(
  customer TEXT NOT NULL, at DOUBLE PRECISION NOT NULL, contact TEXT NOT NULL, flow TEXT NOT NULL,
  agent TEXT NOT NULL, queue TEXT NOT NULL, value DOUBLE PRECISION NOT NULL, answered INTEGER NOT NULL);
CREATE INDEX surveys_asked_of ON surveys_asked(customer, at);
CREATE INDEX surveys_asked_at ON surveys_asked(at);
CREATE INDEX surveys_asked_in ON surveys_asked(contact)
"""
"""`value`: what the customer was worth then."""

_SAID = """
ALTER TABLE guide_answers ADD COLUMN said TEXT NOT NULL DEFAULT '{}'
"""
"""Question and answer in words, by language, as JSON."""

STEPS: tuple[Step, ...] = (_FIRST, _ONE_VIEW, _TICKETS, _CASES, _OFFERS, _SEGMENTS, _RIGHTS, _SURVEYS, _SAID)

# What a customer's id stands in; the order in which a merge or an erasure goes through them.
TABLES_OF_A_CUSTOMER = (
    "numbers", "addresses", "consents", "products", "purchases", "contacts", "notes", "surveys", "surveys_asked",
    "scores", "tickets", "offer_answers", "grants", "guide_answers", "campaign_customers",
)  # fmt: skip


def open_customers(where: str | Path, *, read_only: bool = False) -> Database:
    """`where`: a file, `sqlite:PATH` or `postgresql://...`. Raises DatabaseFault."""
    return open_database(where, STEPS, read_only=read_only)

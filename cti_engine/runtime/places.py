"""Where everything of a running center stands below CTI_VAR; the only file that knows these names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Places:
    var: Path

    @property
    def run_json(self) -> Path:
        """Addresses, ports and process numbers of the running center."""
        return self.var / "run.json"

    @property
    def run(self) -> Path:
        """Sockets and ready files; emptied at start."""
        return self.var / "run"

    @property
    def engine_socket(self) -> str:
        return str(self.run / "engine.sock")

    @property
    def placement_socket(self) -> str:
        return str(self.run / "edge.sock")

    @property
    def gateway_socket(self) -> str:
        return str(self.run / "gateway.sock")

    @property
    def gateway_calls(self) -> Path:
        """What the next life of the gateway needs to go on with its calls."""
        return self.run / "gateway-calls"

    def ready_file(self, process: str) -> Path:
        return self.run / f"{process}.json"

    @property
    def log(self) -> Path:
        return self.var / "log"

    @property
    def edge_db(self) -> Path:
        return self.var / "edge.db"

    @property
    def accounts_db(self) -> Path:
        return self.var / "accounts.db"

    @property
    def customers_db(self) -> Path:
        return self.var / "customers.db"

    @property
    def sessions_db(self) -> Path:
        return self.var / "sessions.db"

    @property
    def prompts(self) -> Path:
        return self.var / "prompts"

    @property
    def models(self) -> Path:
        """What callers are understood with, fetched or put together."""
        return self.var / "models"

    @property
    def last_good(self) -> Path:
        """A copy of the YAML files in force."""
        return self.var / "last_good"

    @property
    def recordings(self) -> Path:
        return self.var / "recordings"

    @property
    def broker(self) -> Path:
        return self.var / "broker"

    @property
    def link_key(self) -> Path:
        return self.var / "secrets" / "link.key"

    def broker_password(self, user: str) -> Path:
        return self.var / "secrets" / f"broker-{user}.txt"

    @property
    def call_me_key(self) -> Path:
        """What the company's web site shows at POST /api/call-me."""
        return self.var / "secrets" / "call-me.txt"

    def make(self) -> None:
        """Make the folders; private ones for their owner only."""
        for folder in (self.var, self.run, self.log, self.prompts, self.recordings):
            folder.mkdir(parents=True, exist_ok=True)
        (self.var / "secrets").mkdir(mode=0o700, exist_ok=True)
        self.run.chmod(0o700)
        self.recordings.chmod(0o700)

"""Settings: option over environment over YAML over default; secrets stay unprinted."""

from __future__ import annotations

from pathlib import Path

import pytest

from cti_engine.definitions.settings import (
    CallMe,
    Guests,
    Network,
    Ports,
    Rate,
    Settings,
    Trunk,
    load_settings,
)
from tests.definitions.homes import ROOT


def _settings(folder: Path | None, environment: dict[str, str] | None = None, **options: object) -> Settings:
    settings, problems = load_settings(folder, environment or {}, options)
    assert settings is not None, problems
    return settings


def _home(tmp_path: Path, engine: str = "", sip: str = "") -> Path:
    (tmp_path / "config").mkdir()
    if engine:
        (tmp_path / "config" / "engine.yaml").write_text(engine)
    if sip:
        (tmp_path / "config" / "sip.yaml").write_text(sip)
    return tmp_path


def test_without_any_file_everything_has_its_default(tmp_path: Path) -> None:
    """The names and ports of interfaces.md; guests are refused unless the admin lets them in."""
    settings = _settings(tmp_path)
    assert settings.ports == Ports(5060, 8080, 18830, 20000, 29999)
    assert settings.network == Network("127.0.0.1", "127.0.0.1")
    assert (settings.store_url, settings.broker_url) == ("sqlite:", "embedded:")
    assert (settings.sip.realm, settings.sip.digest, settings.sip.guests) == ("cti", "md5", None)
    assert settings.workers.spares == 4


def test_the_shipped_settings_are_the_defaults_with_guests(tmp_path: Path) -> None:
    """What stands in the shipped files is what the engine does without them, but for guests of the LAN."""
    shipped, bare = _settings(ROOT), _settings(tmp_path)
    assert (shipped.ports, shipped.network, shipped.workers) == (bare.ports, bare.network, bare.workers)
    assert isinstance(shipped.sip.guests, Guests)
    assert shipped.sip.guests.rate == 2.0
    assert "127.0.0.0/8" in shipped.sip.guests.networks


def test_option_over_environment_over_yaml(tmp_path: Path) -> None:
    """Each level hides the one below it, value by value."""
    home = _home(tmp_path, "ports: {sip: 1111, console: 1112, broker: 1113}\nlog: {level: error}\n")
    environment = {"CTI_SIP_PORT": "2221", "CTI_CONSOLE_PORT": "2222", "CTI_STORE_URL": "redis://h/1"}
    settings = _settings(home, environment, sip_port=0, broker_port=None, advertise="192.168.1.5")
    assert settings.ports == Ports(0, 2222, 1113, 20000, 29999)
    assert settings.store_url == "redis://h/1"
    assert settings.log_level == "error"
    assert settings.network == Network("127.0.0.1", "192.168.1.5")
    assert _settings(home, {"CTI_RTP_PORTS": "30000-30999"}).ports.rtp_last == 30999
    assert _settings(home, {"CTI_SIP_PORT": ""}).ports.sip == 1111  # an empty variable is not given


def test_home_and_var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """CTI_HOME and CTI_VAR, options before them, the current folder without; always absolute."""
    monkeypatch.chdir(tmp_path)
    assert (_settings(None).home, _settings(None).var) == (tmp_path, tmp_path / "var")
    given = _settings(None, {"CTI_HOME": "there", "CTI_VAR": "/tmp/v"})
    assert (given.home, given.var) == (tmp_path / "there", Path("/tmp/v"))
    assert _settings(None, {"CTI_HOME": "there"}, home="here", var="x").home == tmp_path / "here"


@pytest.mark.parametrize(
    ("environment", "options", "printed"),
    [
        ({"CTI_SIP_PORT": "many"}, {}, "environment: CTI_SIP_PORT: expected a whole number, found 'many'"),
        ({}, {"sip_port": 99999}, "options: sip_port: 99999 is out of range (from 0 to 65535)"),
        (
            {"CTI_BROKER_URL": "amqp://u:pw@h"},
            {},
            "environment: CTI_BROKER_URL: expected embedded:, mqtt://HOST or mqtts://HOST",
        ),
        (
            {"CTI_LOG_LEVEL": "debgu"},
            {},
            "environment: CTI_LOG_LEVEL: 'debgu' is not a log level (did you mean \"debug\"?)",
        ),
        (
            {},
            {"bind": "0.0.0.0"},
            "config/engine.yaml: network: phones cannot reach 0.0.0.0 (advertise: the address of this machine)",
        ),
        ({}, {"sip_port": 25000}, "config/engine.yaml: ports.rtp: the SIP port 25000 is inside 20000-29999"),
        ({}, {"console_port": 18830}, "config/engine.yaml: ports.broker: 18830 is console's port already"),
    ],
)
def test_what_is_wrong_is_told_where_it_was_given(
    tmp_path: Path, environment: dict[str, str], options: dict[str, object], printed: str
) -> None:
    """One line that names the variable or the option; URLs are not repeated, they may hold passwords."""
    settings, problems = load_settings(tmp_path, environment, options)
    assert settings is None
    assert [str(problem) for problem in problems] == [printed]


def test_trunks_by_address_and_by_account(tmp_path: Path) -> None:
    """A carrier's password comes from a file of its own and is printed nowhere."""
    (tmp_path / "carrier.password").write_text("s3cret\n")
    home = _home(
        tmp_path,
        sip="""
trunks:
  by_address: {networks: [203.0.113.10, 198.51.100.0/24], destination: "sip.example:5060;transport=tcp"}
  by_account: {account: gateway}
  registered: {register: {user: us, password_file: carrier.password, registrar: sip.example, expires: 5m}}
""",
    )
    settings = _settings(home)
    by_address, by_account, registered = settings.sip.trunks
    assert by_address == Trunk(
        "by_address", ("203.0.113.10", "198.51.100.0/24"), "", "sip.example:5060;transport=tcp"
    )
    assert by_account.account == "gateway"
    assert registered.register is not None
    assert (registered.register.password, registered.register.expires) == ("s3cret", 300.0)
    assert "s3cret" not in repr(settings)


def test_a_store_password_is_not_printed(tmp_path: Path) -> None:
    """Settings may be logged."""
    settings = _settings(
        tmp_path, {"CTI_STORE_URL": "redis://:s3cret@h", "CTI_BROKER_URL": "mqtt://u:s3cret@h"}
    )
    assert "s3cret" not in repr(settings)


def test_the_web_sites_door_is_off_unless_written(tmp_path: Path) -> None:
    """Without `call_me:` there is none; with it the rates have defaults, and no page of any origin may ask."""
    assert _settings(tmp_path).call_me is None
    home = _home(tmp_path, "callbacks: {numbers: ['+346']}\ncall_me: {queues: [sales], per_number: 5/m}\n")
    assert _settings(home).call_me == CallMe((), Rate(5, 60.0), Rate(10, 60.0))

"""Starts and ends pjsua2 in this process: one UDP transport, no sound card, G.711 only, no threads of ours.

Never fork after `start`, and leave only through `close` (or `os._exit`): a plain exit aborts.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pjsua2.pjsua2 as pj

from cti_engine.adapters.pjlib import create_quietly
from cti_engine.sip_worker.config import WorkerConfig
from cti_engine.sip_worker.guard import survives

G711 = {"PCMU/8000/1": 200, "PCMA/8000/1": 199}
_log = logging.getLogger("cti.pjsip")


class _Log(pj.LogWriter):  # type: ignore[misc]  # the wheel has no types
    """Errors of pjsip's own go where all our logs go."""

    @survives
    def write(self, entry: Any) -> None:
        _log.warning("%s", entry.msg.strip())


class _Endpoint(pj.Endpoint):  # type: ignore[misc]
    """Tells of INVITEs that pjsip answers by itself (488, 415, 486 ...): they cost sockets too."""

    def __init__(self) -> None:
        super().__init__()
        self.on_rejected: Callable[[], None] = lambda: None

    @survives
    def onRejectedIncomingCall(self, prm: Any) -> None:
        self.on_rejected()


class SipEndpoint:
    """The library, running. `address` is (host, port) of the SIP socket."""

    def __init__(self, config: WorkerConfig) -> None:
        self.library = _Endpoint()
        create_quietly(self.library)
        self._log = _Log()
        self._log.__disown__()  # libDestroy deletes it
        settings = pj.EpConfig()
        settings.logConfig.level = 1
        settings.logConfig.consoleLevel = 0
        settings.logConfig.writer = self._log
        settings.uaConfig.threadCnt = 0
        settings.uaConfig.mainThreadOnly = True
        settings.uaConfig.maxCalls = config.calls_max
        settings.uaConfig.userAgent = "cti-engine"
        settings.uaConfig.mwiUnsolicitedEnabled = False
        settings.medConfig.clockRate = settings.medConfig.sndClockRate = 8000
        settings.medConfig.audioFramePtime = 20
        settings.medConfig.noVad = True
        settings.medConfig.ecTailLen = 0
        # Else the media clock stops after an idle second: no RTP, and ports are never removed (or added).
        settings.medConfig.sndAutoCloseTime = -1
        self.library.libInit(settings)
        transport = pj.TransportConfig()
        transport.boundAddress = config.bind
        transport.port = config.sip_port
        number = self.library.transportCreate(pj.PJSIP_TRANSPORT_UDP, transport)
        self.library.libStart()
        self.library.audDevManager().setNullDev()
        codecs = self.library.codecEnum2()
        for codec in codecs:
            self.library.codecSetPriority(codec.codecId, G711.get(codec.codecId, 0))
        where = self.library.transportGetInfo(number)
        host, _, port = where.localName.rpartition(":")
        self.address = (host, int(port))
        self._bare_ports = self.library.mediaActivePorts()

    def silence(self) -> Any:
        """A source that never has a gap: the null device's capture side."""
        return self.library.audDevManager().getCaptureDevMedia()

    @property
    def media_clean(self) -> bool:
        """No port is left in the conference besides the null device's."""
        return bool(self.library.mediaActivePorts() == self._bare_ports)

    def close(self) -> None:
        """Every Call, player, recorder and the account must be gone before."""
        self.library.libDestroy(pj.PJSUA_DESTROY_NO_TX_MSG)


def account_settings(config: WorkerConfig) -> Any:
    """One account takes every INVITE and dials through the edge; it registers nowhere."""
    settings = pj.AccountConfig()
    settings.idUri = f"sip:worker@{config.realm}"
    settings.sipConfig.proxies.append(f"sip:{config.edge_host}:{config.edge_port};lr")
    settings.mediaConfig.transportConfig.port = config.rtp_port
    settings.mediaConfig.transportConfig.portRange = config.rtp_ports
    settings.mediaConfig.transportConfig.boundAddress = config.bind
    settings.mediaConfig.transportConfig.publicAddress = config.media_address
    settings.mediaConfig.lockCodecEnabled = False  # it would send a re-INVITE after each answer
    settings.natConfig.udpKaIntervalSec = 0
    settings.natConfig.contactRewriteUse = 0
    settings.natConfig.viaRewriteUse = 0
    settings.natConfig.sdpNatRewriteUse = 0
    return settings

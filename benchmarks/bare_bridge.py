"""The least that pjsua2 needs to bridge and record: two calls (four legs) in one process, nothing else.

The baseline of `make bench-calls`. Arguments: SIP port, first RTP port, folder of recordings, agent's SIP URI.
"""

import sys
from typing import Any

import pjsua2.pjsua2 as pj


class Leg(pj.Call):  # type: ignore[misc]  # the wheel has no types
    other = audio = recorder = None  # type: Any

    def onCallState(self, prm: Any) -> None:
        if self.getInfo().state == pj.PJSIP_INV_STATE_DISCONNECTED:
            if self.other.isActive():
                self.other.hangup(pj.CallOpParam())
            self.recorder = None  # closes its file
            legs.remove(self)

    def onCallMediaState(self, prm: Any) -> None:
        self.audio = self.getAudioMedia(-1)
        if self.other.audio is not None:
            for one, two in ((self, self.other), (self.other, self)):
                one.audio.startTransmit(two.audio)
                one.recorder = pj.AudioMediaRecorder()
                one.recorder.createRecorder(f"{folder}/{sip_port}-{one.audio.getPortId()}.wav")
                one.audio.startTransmit(one.recorder)


class Account(pj.Account):  # type: ignore[misc]
    def onIncomingCall(self, prm: Any) -> None:
        caller, agent, answer = Leg(self, prm.callId), Leg(self), pj.CallOpParam()
        caller.other, agent.other, answer.statusCode = agent, caller, 200
        legs.extend((caller, agent))
        caller.answer(answer)
        agent.makeCall(agent_uri, pj.CallOpParam(True))


sip_port, rtp_port, folder, agent_uri = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
legs: list[Leg] = []
endpoint, settings, udp = pj.Endpoint(), pj.EpConfig(), pj.TransportConfig()
endpoint.libCreate()
settings.uaConfig.threadCnt, settings.uaConfig.mainThreadOnly, settings.logConfig.level = 0, True, 0
settings.medConfig.clockRate, settings.medConfig.noVad, settings.medConfig.ecTailLen = 8000, True, 0
endpoint.libInit(settings)
udp.port, udp.boundAddress = sip_port, "127.0.0.1"
endpoint.transportCreate(pj.PJSIP_TRANSPORT_UDP, udp)
endpoint.libStart()
endpoint.audDevManager().setNullDev()
account, me = Account(), pj.AccountConfig()  # after libInit: its defaults are read there
udp.port = rtp_port
me.idUri, me.mediaConfig.transportConfig = f"sip:bridge@127.0.0.1:{sip_port}", udp
account.create(me)
print("ready", flush=True)
while True:  # until killed: a recording is closed by the end of its call
    endpoint.libHandleEvents(100)

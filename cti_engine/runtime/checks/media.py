"""What calls are heard with: pjsua2 and its codecs, sound packages, text to speech, speech models."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from cti_engine.core.commands import Prompt
from cti_engine.runtime.checks.check import Check, fault, ok, warn
from speech.engines import ENGINES, Engine, NotSpoken, Speaker
from speech.prompt_cache import MUSIC, SOUNDS, PromptCache
from speech.recognition.installed import NONE, Choice
from speech.wav_check import unplayable

_NEEDED = ("PCMU/8000", "PCMA/8000", "telephone-event/8000")
_PJSUA_WITHIN_S = 10.0
_WORDS = {"es": "hola", "en": "hello"}
_PACKAGES = {"en": "asterisk-core-sounds-en-wav", "es": "asterisk-core-sounds-es-wav"}
_SAMPLE = "queue-thankyou.wav"

# In a child, because a native library may abort. The offer of a call to nobody says all that it can speak.
_OFFER = """
import json, os, pjsua2.pjsua2 as pj
class Offer(pj.Call):
    def onCallSdpCreated(self, prm):
        print(json.dumps(prm.sdp.wholeSdp), flush=True)
        os._exit(0)
ep, cfg, udp = pj.Endpoint(), pj.EpConfig(), pj.TransportConfig()
ep.libCreate()
cfg.logConfig.level = 0
cfg.uaConfig.threadCnt = 0
ep.libInit(cfg)
udp.boundAddress = "127.0.0.1"
ep.transportCreate(pj.PJSIP_TRANSPORT_UDP, udp)
ep.libStart()
ep.audDevManager().setNullDev()
acc, me = pj.Account(), pj.AccountConfig()
me.idUri = "sip:doctor@127.0.0.1"
me.mediaConfig.transportConfig.boundAddress = "127.0.0.1"
acc.create(me)
Offer(acc).makeCall("sip:nobody@127.0.0.1:9", pj.CallOpParam(True))
os._exit(1)
"""


def check_pjsua2(python: str = sys.executable) -> Check:
    """Whether the wheel loads here and offers what phones need."""
    reinstall = f"{python} -m pip install --force-reinstall pjsua2-python=={_wheel()}"
    try:
        child = subprocess.run(
            [python, "-c", _OFFER], capture_output=True, text=True, timeout=_PJSUA_WITHIN_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return fault("pjsua2", f"no answer: {error}", reinstall)
    told = (child.stdout.strip().splitlines() or [""])[-1]
    if child.returncode != 0 or not told.startswith('"'):
        reason = (child.stderr.strip().splitlines() or [f"exit code {child.returncode}"])[-1]
        return fault("pjsua2", f"cannot be used: {reason}", reinstall)
    offer = json.loads(told)
    missing = [codec for codec in _NEEDED if codec not in offer]
    if missing:
        return fault("pjsua2", f"{_wheel()} without {', '.join(missing)}", reinstall)
    return ok("pjsua2", f"{_wheel()} with {', '.join(codec.partition('/')[0] for codec in _NEEDED)}")


def _wheel() -> str:
    try:
        return version("pjsua2-python")
    except PackageNotFoundError:
        return "2.15.1.post1"


def check_sounds(languages: tuple[str, ...], sounds: Path = SOUNDS) -> list[Check]:
    """Recorded queue phrases and digits, by language; without them text to speech speaks them."""
    checks = []
    for language in languages:
        name = f"sounds ({language})"
        package = _PACKAGES.get(language, f"a sound package for {language}")
        samples = sorted(sounds.glob(f"{language}*/{_SAMPLE}"))
        if not samples:
            checks.append(
                warn(
                    name, f"none in {sounds}, text to speech takes their place", f"apt-get install {package}"
                )
            )
        elif complaint := unplayable(samples[0]):
            advice = f"apt-get install --reinstall {package}"
            checks.append(fault(name, f"{samples[0]} cannot be played: {complaint}", advice))
        else:
            checks.append(ok(name, f"recorded, in {samples[0].parent}"))
    return checks


def check_music(folder: Path = MUSIC["default"]) -> Check:
    pieces = sorted(folder.glob("*.wav"))
    bad = [f"{piece.name} ({complaint})" for piece in pieces if (complaint := unplayable(piece))]
    package = "asterisk-moh-opsound-wav"
    if bad:
        return fault(
            "hold music", f"cannot be played: {', '.join(bad)}", f"apt-get install --reinstall {package}"
        )
    if not pieces:
        return warn(
            "hold music", f"none in {folder}, soft tones take its place", f"apt-get install {package}"
        )
    return ok("hold music", f"{len(pieces)} pieces in {folder}")


def check_prompts(cache: PromptCache, prompts: list[Prompt]) -> Check:
    """Whether every prompt of the flows has its sound files."""
    missing = 0
    for prompt in prompts:
        try:
            cache.files(prompt)
        except KeyError:
            missing += 1
    if missing:
        return warn(
            "prompts", f"{missing} of {len(prompts)} not made yet", "nothing: cti-engine run makes them first"
        )
    return ok("prompts", f"all {len(prompts)} made")


def check_text_to_speech(engines: tuple[Engine, ...] = ENGINES) -> list[Check]:
    """Each engine speaks one word per demo language that it has a voice for; one that works is enough."""
    checks = []
    for engine in engines:
        name = f"voice ({engine.name})"
        spoken = [language for language in _WORDS if language in engine.voices]
        try:
            for language in spoken:
                Speaker([engine]).speak(_WORDS[language], language)
        except NotSpoken as error:
            checks.append(warn(name, str(error), engine.advice))
        else:
            checks.append(
                ok(name, f"speaks {', '.join(spoken)}")
                if spoken
                else warn(
                    name, f"has no voice for {' or '.join(_WORDS)}", "prompts: piper: in config/speech.yaml"
                )
            )
    if checks and all(check.what_to_do for check in checks):
        checks.append(
            fault("voices", "no engine speaks, so new prompts cannot be made", "apt-get install espeak-ng")
        )
    return checks


def check_recognition(choices: Sequence[Choice]) -> list[Check]:
    """Who understands the languages in which flows take words; keys only is no fault."""
    if not choices:
        return [ok("speech recognition", "no flow takes words; menus take keys")]
    return [
        warn(f"speech ({one.language})", f"keys only: {one.why}", one.advice)
        if one.engine == NONE
        else ok(f"speech ({one.language})", f"{one.engine}: {one.why}")
        for one in choices
    ]

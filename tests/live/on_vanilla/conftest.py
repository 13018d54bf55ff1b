"""FreeSWITCH's example configuration with one include line of ours."""

from __future__ import annotations

import math
import struct
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.conftest import EXAMPLE, NO_EXAMPLE
from tests.live.nodes import rewrite
from tests.live.switch import Vanilla

DIGITS = {"0": 330, "1": 520, "2": 660}


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vanilla]:
    """With sound files, in which each digit is a tone of its own."""
    if NO_EXAMPLE:
        pytest.skip(NO_EXAMPLE)
    switch = Vanilla(Path(EXAMPLE), tmp_path_factory.mktemp("vanilla"))
    sounds = switch.directory / "sounds"
    for digit, tone in DIGITS.items():
        file = sounds / "digits" / "8000" / f"{digit}.wav"
        file.parent.mkdir(parents=True, exist_ok=True)
        with wave.open(str(file), "wb") as sound:
            sound.setparams((1, 2, 8000, 0, "NONE", ""))
            samples = (int(9000 * math.sin(2 * math.pi * tone * n / 8000)) for n in range(2400))
            sound.writeframes(b"".join(struct.pack("<h", sample) for sample in samples) + bytes(1600))
    prefix = "sound_prefix=$${sounds_dir}/en/us/callie"
    rewrite(switch.directory / "vars.xml", {prefix: f"sound_prefix={sounds}"})
    switch.tells_digits = True
    switch.start()
    yield switch
    switch.stop()

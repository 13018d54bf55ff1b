"""Keys and lamps show FusionPBX's own forwards; FusionPBX goes on to keep them."""

from __future__ import annotations

import time

from tests.live.on_default.test_keys import NOW, linked
from tests.live.subscriber import Subscriber


def test_shown_by_key_and_lamp(site):
    switch = f'[switch]\naddress = "127.0.0.1:{site.esl}"\npassword = "ClueCon"\n'
    boss, secretary = site.number("boss"), site.number("secretary")
    with linked(site, switch), Subscriber(site, "boss") as phone, Subscriber(site, "vera") as vera:
        phone.register().subscribe()
        phone.shows(NOW, False)
        site.forwards(boss={"all": "secretary"})
        phone.subscribe(call=phone.call)  # a refresh: nothing tells of a change in FusionPBX's database
        phone.shows(NOW, True, secretary)
        for lamp, state in (
            (f"forward+{boss}", "on"),
            (f"forward+{boss}/{secretary}", "on"),
            (f"forward+{boss}/1", "off"),
        ):
            vera.watch(lamp)
            vera.wait(lambda _, state=state: vera.lamp() == state)
        phone.press(NOW, "false")
        time.sleep(0.5)
        phone.shows(NOW, True, secretary)

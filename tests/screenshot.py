"""`python -m tests.screenshot FILE [dark]`: the page of a real daemon that decided recorded calls, as a picture."""

from __future__ import annotations

import shutil
import sys
import tempfile
import uuid
from pathlib import Path

from playwright.sync_api import sync_playwright

from fsdaemon.esl.fake_switch import Switch, channel_data
from tests.daemon import Daemon, free_port
from tests.recorded import recordings

SHOWN = ("blind_transfer_by_callee", "external_anonymous", "external_before_bridge", "internal_after_busy",
         "internal_second_hop_after_transfer")  # fmt: skip
CONF = '[metrics]\nlisten = "{}"\n[log]\nnumbers = "masked"\n'


def main(file: str, scheme: str = "light") -> None:
    address = f"127.0.0.1:{free_port()}"
    with tempfile.TemporaryDirectory() as directory:
        config = Path(directory) / "conf.toml"
        config.write_text(CONF.format(address))
        with Daemon(config=config) as daemon, sync_playwright() as driver:
            for one in recordings():
                if one.name in SHOWN and not one.config:
                    data = channel_data(one.data, {"Unique-ID": str(uuid.uuid4())})
                    Switch(data, one.api).call("127.0.0.1", daemon.port)
            chromium = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            page = chromium.new_page(viewport={"width": 1240, "height": 800}, color_scheme=scheme)
            page.goto(f"http://{address}/")
            page.click("tr.call:has(td.forward) >> nth=0")
            page.wait_for_selector("tr.facts")
            page.evaluate(
                "document.getElementById('about').textContent = document.getElementById('about').textContent.replace(/[^ ]*conf.toml/, '/etc/fsdaemon/conf.toml')"
            )
            page.screenshot(path=file)
            chromium.close()


if __name__ == "__main__":
    main(*sys.argv[1:])

"""What is played where channels have Call-IDs as ids."""

# ruff: noqa: F403

from __future__ import annotations

from tests.live.scenarios.channel_ids import *
from tests.live.scenarios.transfers import *

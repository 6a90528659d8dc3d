"""`make picture`: run the demo, take the picture of a timeline that the README shows, and end the demo."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

PICTURE = Path(__file__).parents[2] / "docs" / "timeline.png"
PAGE = "/apps/web-production/timeline"
PERSON = {"GIT_AUTHOR_NAME": "Priya Raman", "GIT_AUTHOR_EMAIL": "priya@example.com"}
SIZE = {"width": 1200, "height": 1210}
STAYS = re.compile(r"The shop stays open: (\S+)")


def main() -> int:
    """Return the exit code: 1 where the demo did not come true, with what it told, or there is no Chromium."""
    chromium = shutil.which("chromium")
    if chromium is None:
        return _say("there is no chromium on this machine")
    lastgood = Path(sys.executable).with_name("lastgood")
    demo = subprocess.Popen([lastgood, "demo"], stdout=subprocess.PIPE, text=True, env={**os.environ, **PERSON})
    assert demo.stdout is not None
    try:
        told = []
        for line in demo.stdout:
            told.append(line)
            if STAYS.search(line):
                break
        link = STAYS.search(told[-1]) if told else None
        if link is None:
            return _say("".join(told))
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
            page = browser.new_page(viewport=SIZE, color_scheme="light")
            page.goto(link[1])
            page.goto(link[1].partition("/?")[0] + PAGE)
            page.screenshot(path=PICTURE)
            browser.close()
    finally:
        demo.send_signal(signal.SIGINT)
        demo.communicate()
    return demo.returncode


def _say(wrong: str) -> int:
    sys.stderr.write(wrong + "\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())

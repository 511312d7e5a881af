"""Reads a live page in Chromium. Usage: live.py HOME ADDRESS FIRST SECOND

Says "shown" once the page has the first text, waits for a line of input, says "changed" once the same page, which was not
loaded anew, has the second; then prints what the reader is told and ends. Talks to the browser over its own pipe."""

import json
import os
import subprocess
import sys
import time

HOME, ADDRESS, FIRST, SECOND = sys.argv[1:]
PATIENCE = 60


class Browser:
    def __init__(self):
        here_in, there_out = os.pipe()
        there_in, here_out = os.pipe()

        def wire():
            # The browser reads its third and writes its fourth.
            os.dup2(os.dup(there_in), 103)
            os.dup2(os.dup(there_out), 104)
            os.dup2(103, 3)
            os.dup2(104, 4)

        self.process = subprocess.Popen(
            [
                "chromium",
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--disable-dev-shm-usage",
                f"--user-data-dir={HOME}/live-profile",
                "--remote-debugging-pipe",
                "about:blank",
            ],
            env={**os.environ, "HOME": HOME},
            preexec_fn=wire,
            close_fds=False,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(there_in)
        os.close(there_out)
        self.reader = os.fdopen(here_in, "rb", 0)
        self.writer = os.fdopen(here_out, "wb", 0)
        self.left = b""
        self.count = 0

    def message(self):
        while b"\0" not in self.left:
            more = self.reader.read(65536)
            if not more:
                sys.exit("the browser is gone")
            self.left += more
        message, self.left = self.left.split(b"\0", 1)
        return json.loads(message)

    def ask(self, method, session=None, **parameters):
        self.count += 1
        call = {"id": self.count, "method": method, "params": parameters}
        if session:
            call["sessionId"] = session
        self.writer.write(json.dumps(call).encode() + b"\0")
        while True:
            answer = self.message()
            if answer.get("id") == self.count:
                if "error" in answer and method != "Runtime.evaluate":
                    sys.exit(f"{method}: {answer['error']}")
                return answer.get("result")


browser = Browser()
target = browser.ask("Target.createTarget", url=ADDRESS)["targetId"]
session = browser.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]


def value(expression):
    answer = browser.ask("Runtime.evaluate", session, expression=expression, returnByValue=True)
    # Between two documents there is nothing that could be asked.
    return answer and answer["result"].get("value")


def until(text):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if text in (value("document.querySelector('main')?.innerText ?? ''") or ""):
            return
        time.sleep(0.1)
    sys.exit(f"the page never said {text!r}: {value('document.documentElement.innerText')}")


until(FIRST)
value("window.sameOne = true; document.querySelector('#main a[href], a.skip').focus(); 0")
print("shown", flush=True)
sys.stdin.readline()
until(SECOND)
if value("window.sameOne") is not True:
    sys.exit("the page was loaded anew")
print("changed", flush=True)
print(value("document.getElementById('live').textContent"), flush=True)
browser.ask("Browser.close")
browser.process.wait(timeout=30)

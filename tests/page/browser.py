"""Headless Chromium by WebDriver, with nothing but the standard library."""

import base64
import json
import re
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

TAB, ENTER = "\ue004", "\ue007"


class Browser:
    """A browser of its own; `with Browser() as browser`."""

    def __init__(self, scripts=True):
        self.scripts = scripts

    def __enter__(self):
        self.profile = tempfile.mkdtemp(prefix="danecheck-page-")
        self.driver = subprocess.Popen(
            ["chromedriver", "--port=0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for line in self.driver.stdout:
            if found := re.search(r"started successfully on port (\d+)", line):
                self.url = f"http://127.0.0.1:{found[1]}"
                break
        else:
            raise RuntimeError("chromedriver did not start")
        options = {
            "args": [
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                f"--user-data-dir={self.profile}",
            ]
        }
        wanted = {
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        }
        answer = self.call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self.url += f"/session/{answer['sessionId']}"
        self.cdp("Page.enable")
        if not self.scripts:
            self.cdp("Emulation.setScriptExecutionDisabled", value=True)
        return self

    def __exit__(self, *_):
        try:
            self.call("DELETE", "")
        except OSError:
            pass
        self.driver.terminate()
        self.driver.wait()
        shutil.rmtree(self.profile, ignore_errors=True)

    def call(self, method, path, body=None):
        data = json.dumps(body or {}).encode() if method == "POST" else None
        request = urllib.request.Request(self.url + path, data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:
                return json.load(reply)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(error.read().decode()) from None

    def cdp(self, name, **parameters):
        return self.call("POST", "/goog/cdp/execute", {"cmd": name, "params": parameters})

    def open(self, address):
        """Opens an address, or a file."""
        if isinstance(address, Path):
            address = address.resolve().as_uri()
        self.call("POST", "/url", {"url": address})

    def view(self, width, dark=False, height=900):
        """The size of the window, and the colours that the reader prefers."""
        self.cdp(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 500,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.cdp("Emulation.setEmulatedMedia", features=[scheme])

    def run(self, script, *arguments):
        """The value of a script of our own, which the page's policy does not see."""
        return self.call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def run_async(self, script, *arguments):
        """The same for a script that calls its last argument with the value."""
        return self.call("POST", "/execute/async", {"script": script, "args": list(arguments)})

    def press(self, key):
        actions = [{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]
        source = {"type": "key", "id": "keyboard", "actions": actions}
        self.call("POST", "/actions", {"actions": [source]})

    def find(self, css):
        return self.call("POST", "/element", {"using": "css selector", "value": css})

    def click(self, css):
        [element] = self.find(css).values()
        self.call("POST", f"/element/{element}/click")

    def write(self, css, text):
        [element] = self.find(css).values()
        self.call("POST", f"/element/{element}/value", {"text": text})

    def screenshot(self, path, whole=True):
        """The page as a picture; all of it, or what the window shows."""
        picture = self.cdp("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(picture["data"]))

    def printed(self, path):
        """Prints on A4, and returns the number of pages."""
        size = {"page": {"width": 21.0, "height": 29.7}, "background": True}
        pdf = base64.b64decode(self.call("POST", "/print", size))
        path.write_bytes(pdf)
        return len(re.findall(rb"/Type\s*/Page\b", pdf))

    def log(self, kind="browser"):
        """What the browser has logged since the last question: violations of the
        policy, errors of scripts."""
        return [entry["message"] for entry in self.call("POST", "/se/log", {"type": kind})]

    def requests(self):
        """The addresses that the page asked for since the last question."""
        entries = [json.loads(entry)["message"] for entry in self.log("performance")]
        sent = [it["params"] for it in entries if it["method"] == "Network.requestWillBeSent"]
        return [it["request"]["url"] for it in sent]

    def is_wider_than_window(self):
        """Whether the page scrolls sideways."""
        return self.run("return document.documentElement.scrollWidth > innerWidth")

    def violations(self, axe):
        """What axe, the text of axe.min.js, finds on the page."""
        if not self.run("return typeof axe == 'object'"):
            self.run(axe + ";window.axe = axe")
        return self.run_async(
            """
            const done = arguments[arguments.length - 1];
            axe.run(document, {resultTypes: ["violations"]}).then(
              found => done(found.violations.map(
                one => `${one.id}: ${one.nodes.map(node => node.html.slice(0, 200)).join(" | ")}`)),
              error => done([String(error)]));
            """
        )

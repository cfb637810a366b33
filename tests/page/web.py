#!/usr/bin/env python3
"""The pages of `danecheck serve --web` in a real browser: Debian's Chromium,
driven by chromedriver. The servers are those of `tests/serve/browser.rs`.

    tests/page/web.py TOOLS SHOTS

TOOLS has axe-core's axe.min.js and the Nu checker's vnu.jar; SHOTS gets the
screenshots and the pages.
"""

import base64
import contextlib
import http.server
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

TOP = pathlib.Path(__file__).resolve().parents[2]
TAB, ENTER = "\ue004", "\ue007"
WIDE, NARROW = 1280, 360


def call(method, url, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["value"]
    except urllib.error.HTTPError as error:
        raise RuntimeError(json.load(error)["value"]["message"]) from None


class Browser:
    """One session of Chromium."""

    def __init__(self, driver, script=True):
        self.profile = tempfile.mkdtemp(prefix="danecheck-browser-")
        args = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                f"--user-data-dir={self.profile}", "--hide-scrollbars",
                "--host-resolver-rules=MAP elsewhere.test 127.0.0.1"]
        options = {"args": args, "prefs": {} if script else {
            "profile.managed_default_content_settings.javascript": 2}}
        wanted = {"browserName": "chrome", "goog:chromeOptions": options,
                  "goog:loggingPrefs": {"browser": "ALL"}, "timeouts": {"script": 30000}}
        session = call("POST", f"{driver}/session", {"capabilities": {"alwaysMatch": wanted}})
        self.url = f"{driver}/session/{session['sessionId']}"
        self.cdp("Page.addScriptToEvaluateOnNewDocument", source="""
            window.violations = [];
            document.addEventListener("securitypolicyviolation",
                (event) => window.violations.push(event.violatedDirective + " " + event.blockedURI));
        """)

    def close(self):
        with contextlib.suppress(Exception):
            call("DELETE", self.url)
        shutil.rmtree(self.profile, ignore_errors=True)

    def cdp(self, name, **params):
        return call("POST", f"{self.url}/goog/cdp/execute", {"cmd": name, "params": params})

    def go(self, address):
        call("POST", f"{self.url}/url", {"url": address})

    def address(self):
        return call("GET", f"{self.url}/url")

    def source(self):
        return call("GET", f"{self.url}/source")

    def run(self, script, *args):
        return call("POST", f"{self.url}/execute/sync", {"script": script, "args": list(args)})

    def wait_for(self, script):
        return call("POST", f"{self.url}/execute/async", {"script": script, "args": []})

    def press(self, *keys):
        for key in keys:
            actions = [{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]
            call("POST", f"{self.url}/actions",
                 {"actions": [{"type": "key", "id": "keys", "actions": actions}]})

    def click(self, css):
        element = call("POST", f"{self.url}/element", {"using": "css selector", "value": css})
        call("POST", f"{self.url}/element/{next(iter(element.values()))}/click", {})

    def type(self, css, text):
        element = call("POST", f"{self.url}/element", {"using": "css selector", "value": css})
        call("POST", f"{self.url}/element/{next(iter(element.values()))}/value", {"text": text})

    def text(self):
        return self.run("return document.body.innerText")

    def log(self):
        return [entry["message"] for entry in
                call("POST", f"{self.url}/se/log", {"type": "browser"})]

    def looks(self, width, dark=False):
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=900,
                 deviceScaleFactor=1, mobile=False)
        self.cdp("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def shot(self, path):
        image = self.cdp("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(image["data"]))


def until(what, holds, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return
        time.sleep(0.05)
    raise AssertionError(f"not in time: {what}")


class Served:
    """The pages, on the servers of the tests."""

    def __enter__(self):
        command = ["cargo", "test", "--quiet", "--test", "serve", "--", "--ignored", "--exact",
                   "--nocapture", "browser::stays_for_the_browser"]
        self.process = subprocess.Popen(command, cwd=TOP, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        for line in self.process.stdout:
            if "serves http://" in line:
                return line.split("serves ")[1].strip()
        raise AssertionError("the pages did not start")

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(60)


class Driver:
    """chromedriver."""

    def __enter__(self):
        self.process = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)
        for line in self.process.stdout:
            if "started successfully on port" in line:
                port = line.rstrip(".\n ").rsplit(" ", 1)[1]
                threading.Thread(target=self.process.stdout.read, daemon=True).start()
                return f"http://127.0.0.1:{port}"
        raise AssertionError("chromedriver did not start")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


class Judge:
    """What every page has to hold, and what was seen."""

    def __init__(self, tools, shots):
        self.axe = next(pathlib.Path(tools).rglob("axe.min.js")).read_text()
        self.vnu = next(pathlib.Path(tools).rglob("vnu.jar"))
        self.shots = pathlib.Path(shots)
        self.shots.mkdir(parents=True, exist_ok=True)
        self.pages = []
        self.checked = 0

    def accept(self, browser, name, shot=()):
        """axe in both schemes and widths, nothing sideways, no report of the policy."""
        for width in (WIDE, NARROW):
            for dark in (False, True):
                browser.looks(width, dark)
                beyond = browser.run(
                    "return document.documentElement.scrollWidth - document.documentElement.clientWidth")
                assert beyond <= 0, f"{name}: {beyond} pixels beyond {width}"
                browser.run(self.axe)
                found = browser.wait_for(
                    "const done = arguments[arguments.length - 1];"
                    "axe.run().then((r) => done(r.violations.map((v) => v.id + ' ' +"
                    " v.nodes.map((n) => n.html + n.failureSummary).join('\\n'))), (e) => done([String(e)]))")
                assert not found, f"{name}, {width}, dark {dark}: {found}"
                self.checked += 1
                if (width, dark) in shot:
                    scheme = "dark" if dark else "light"
                    browser.shot(self.shots / f"web-{name}-{width}-{scheme}.png")
        browser.looks(WIDE)
        self.quiet(browser, name)

    def quiet(self, browser, name):
        assert browser.run("return window.violations") == [], name
        assert browser.run("return window.ran") is None, name
        loud = [entry for entry in browser.log() if "Content Security Policy" in entry]
        assert not loud, f"{name}: {loud}"

    def keep(self, server, path, name):
        """Keeps a page for the validator."""
        with contextlib.suppress(urllib.error.HTTPError):
            urllib.request.urlopen(server + path)
        try:
            text = urllib.request.urlopen(server + path).read()
        except urllib.error.HTTPError as error:
            text = error.read()
        page = self.shots / f"web-{name}.html"
        page.write_bytes(text)
        self.pages.append(page)

    def validate(self):
        command = ["java", "-jar", str(self.vnu), "--errors-only", *map(str, self.pages)]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr


def checks(server):
    """How many looks began."""
    text = urllib.request.urlopen(f"{server}/metrics").read().decode()
    for line in text.splitlines():
        if line.startswith("danecheck_exporter_check_duration_seconds_count"):
            return int(line.split()[1])
    raise AssertionError(text)


def form_and_progress(browser, server, judge):
    browser.go(f"{server}/")
    judge.accept(browser, "home", [(WIDE, False)])
    # By keyboard alone: past the links to the field, a target, and enter.
    browser.go(f"{server}/")
    for _ in range(10):
        browser.press(TAB)
        assert browser.run("return getComputedStyle(document.activeElement).outlineStyle") != "none"
        if browser.run("return document.activeElement.id") == "target":
            break
    browser.press(*"user@slow.example", ENTER)
    until("progress", lambda: "/check/slow.example" in browser.address())
    until("a step", lambda: "slow.example MX" in browser.text())
    browser.run("window.same = true")
    judge.accept(browser, "progress", [(WIDE, False), (NARROW, True)])
    # The page changes by itself, without another load.
    until("steps that ended", lambda: browser.run(
        "return !window.same || document.querySelectorAll('#steps .ended').length > 0"))
    until("the report", lambda: not browser.run("return document.body.dataset.events"))
    assert "slow.example" in browser.text()
    judge.accept(browser, "report")


def reports(browser, server, judge):
    for name in ("fine", "stale", "plain", "hostile"):
        browser.go(f"{server}/check/{name}.example")
        until(f"the report on {name}", lambda: not browser.run("return document.body.dataset.events"))
        shot = [(WIDE, False), (NARROW, True)] if name == "stale" else []
        judge.accept(browser, f"report-{name}", shot)
    hostile = browser.text()
    assert "window.ran=1" in hostile, "the hostile text is not shown"
    assert not browser.run("return document.querySelectorAll('main img, main [onload], main [onerror]').length")
    for character in "\u202e\u001b":
        assert character not in hostile
    # The button that copies.
    browser.go(f"{server}/check/stale.example")
    browser.cdp("Browser.grantPermissions", origin=server,
                permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
    buttons = browser.run("return document.querySelectorAll('main button').length")
    assert buttons, "no button that copies"
    browser.click("main button")
    copied = browser.wait_for("const done = arguments[0];"
                              "setTimeout(() => navigator.clipboard.readText().then(done, (e) => done('' + e)), 200)")
    assert "stale.example" in copied, copied
    judge.quiet(browser, "copy")
    # Its links lead on.
    browser.run("[...document.querySelectorAll('nav a')].find((a) => a.textContent === 'Deutsch').click()")
    until("German", lambda: browser.run("return document.documentElement.lang") == "de")
    browser.run("[...document.querySelectorAll('nav a')].find((a) => a.href.includes('/history')).click()")
    until("the changes", lambda: "stale.example" in browser.text() and "dane-broken" in browser.text())
    judge.accept(browser, "history", [(NARROW, False)])
    browser.go(f"{server}/")
    judge.accept(browser, "overview", [(WIDE, False), (NARROW, True), (NARROW, False)])


def refusals(browser, server, judge):
    browser.go(f"{server}/")
    browser.type("#target", "<script>window.ran=1</script>\u202e")
    browser.press(ENTER)
    until("the refusal", lambda: "This is not a domain" in browser.text())
    judge.accept(browser, "refused", [(WIDE, True)])
    browser.go(f"{server}/check/" + urllib.parse.quote("<img src=x onerror=window.ran=1>.example"))
    assert "This is not a domain" in browser.text()
    judge.quiet(browser, "path")
    browser.go(f"{server}/check/other.example")
    assert "not on the list" in browser.text()
    judge.accept(browser, "not-listed")
    browser.go(f"{server}/")
    browser.type("#target", "https://b\u00fccher.example/x")
    browser.press(ENTER)
    until("the name in Unicode", lambda: browser.address().endswith("/check/xn--bcher-kva.example"))


ATTACK = """<!doctype html><title>elsewhere</title>
<img src="{s}/check/fine.example"><img src="{s}/check/fine.example.json">
<iframe src="{s}/check/fine.example"></iframe>
<link rel="prefetch" href="{s}/check/fine.example">
<a id="link" href="{s}/check/fine.example">look</a>
<form id="form" method="post" action="{s}/check"><input name="target" value="fine.example"></form>
<script>
fetch("{s}/check/fine.example.json", {{mode: "no-cors"}}).catch(() => 0);
fetch("{s}/check", {{method: "POST", mode: "no-cors", body: new URLSearchParams("target=fine.example")}})
  .catch(() => 0).finally(() => document.title = "done");
new EventSource("{s}/check/fine.example/events");
</script>"""


def other_sites(browser, server, judge):
    """A page of another site, and of another port of this machine."""
    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(ATTACK.format(s=server).encode())

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        for host in ("127.0.0.1", "elsewhere.test"):
            before = checks(server)
            browser.go(f"http://{host}:{other.server_port}/")
            until("the requests", lambda: browser.run("return document.title") == "done")
            browser.run("document.getElementById('form').submit()")
            until("the form", lambda: browser.address().startswith(server))
            assert "Another page sent this request" in browser.text()
            browser.go(f"http://{host}:{other.server_port}/")
            browser.click("#link")
            until("the question", lambda: "Check this domain?" in browser.text())
            judge.accept(browser, "question", [(WIDE, False)])
            assert checks(server) == before, f"{host} began a check"
            browser.click("button")
            until("the report", lambda: browser.address().endswith("/check/fine.example")
                  and not browser.run("return document.body.dataset.events"))
        other.shutdown()


def without_script(browser, server):
    browser.go(f"{server}/")
    browser.type("#target", "plain.example")
    browser.press(ENTER)
    until("the report", lambda: "/check/plain.example" in browser.address()
          and "data-events" not in browser.source())
    # One that takes a while reloads by itself, and needs nobody.
    browser.go(f"{server}/check/slow.example?again=1")
    until("the report", lambda: "data-events" not in browser.source())


def behind_web_servers(server, scratch):
    """The examples of contrib/web, read by nginx and Caddy, and nginx in use."""
    port = server.rsplit(":", 1)[1]
    key, pem = scratch / "key.pem", scratch / "cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-subj", "/CN=dane.example.com", "-days", "2", "-keyout", str(key),
                    "-out", str(pem)], check=True, capture_output=True)
    passwords = scratch / "passwords"
    passwords.write_text("admin:{PLAIN}secret\n")
    with contextlib.closing(__import__("socket").socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        tls = probe.getsockname()[1]
    site = (TOP / "contrib/web/nginx.conf").read_text()
    for old, new in (("listen 443 ssl", f"listen 127.0.0.1:{tls} ssl"),
                     ("    listen [::]:443 ssl;\n", ""),
                     ("/etc/nginx/dane.example.com.pem", str(pem)),
                     ("/etc/nginx/dane.example.com.key", str(key)),
                     ("/etc/nginx/danecheck.htpasswd", str(passwords)),
                     ("127.0.0.1:9725", f"127.0.0.1:{port}")):
        assert old in site, old
        site = site.replace(old, new)
    whole = scratch / "nginx.conf"
    folders = "".join(f"{kind}_temp_path {scratch}/{kind};" for kind in
                      ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    whole.write_text(f"daemon off; pid {scratch}/pid; user root; error_log {scratch}/error.log;\n"
                     f"events {{}}\nhttp {{ access_log off; {folders}\n{site}\n}}\n")
    subprocess.run(["nginx", "-t", "-q", "-c", str(whole)], check=True)
    caddy = ["caddy", "validate", "--adapter", "caddyfile", "--config",
             str(TOP / "contrib/web/Caddyfile")]
    ran = subprocess.run(caddy, capture_output=True, text=True, check=False,
                         env={**os.environ, "HOME": str(scratch)})
    assert ran.returncode == 0, ran.stderr
    nginx = subprocess.Popen(["nginx", "-c", str(whole)])
    curl = ["curl", "-sS", "--insecure", "--max-time", "20", "--resolve", f"dane.example.com:{tls}:127.0.0.1",
            "-w", "\n%{http_code}"]
    place = f"https://dane.example.com:{tls}"

    def get(path, *options):
        ran = subprocess.run([*curl, *options, place + path], capture_output=True, text=True, check=True)
        body, status = ran.stdout.rsplit("\n", 1)
        return int(status), body

    user = ["-u", "admin:secret"]
    try:
        until("nginx", lambda: subprocess.run([*curl, place], capture_output=True,
                                              check=False).returncode == 0)
        assert get("/")[0] == 401
        status, body = get("/", *user)
        assert status == 200 and "fine.example" in body, body
        assert get("/metrics", *user)[0] == get("/probe?target=fine.example", *user)[0] == 404
        status, _ = get("/check", *user, "-H", "Origin: https://dane.example.com", "-d", "target=slow.example")
        assert status == 303, status
        status, body = get("/check/slow.example/events", *user)
        assert status == 200 and "event: end" in body, body
        status, _ = get("/check", *user, "-H", "Origin: https://evil.example", "-d", "target=slow.example")
        assert status == 403, status
        status, body = get("/check/slow.example.json", *user)
        assert json.loads(body)["target"] == "slow.example"
    finally:
        nginx.terminate()
        nginx.wait()


def main(tools, shots):
    judge = Judge(tools, shots)
    with Served() as server, Driver() as driver, tempfile.TemporaryDirectory() as scratch:
        browser = Browser(driver)
        try:
            form_and_progress(browser, server, judge)
            reports(browser, server, judge)
            refusals(browser, server, judge)
            other_sites(browser, server, judge)
        finally:
            browser.close()
        browser = Browser(driver, script=False)
        try:
            without_script(browser, server)
        finally:
            browser.close()
        behind_web_servers(server, pathlib.Path(scratch))
        for path, name in (("/", "home"), ("/history", "history"), ("/check/a..b", "refused"),
                           ("/check/hostile.example", "hostile"), ("/?lang=de", "german")):
            judge.keep(server, path, name)
        urllib.request.urlopen(f"{server}/check/slow.example?again=1").read()
        judge.validate()
    print(f"web: {judge.checked} pages without violations, {len(judge.pages)} valid")


if __name__ == "__main__":
    main(*sys.argv[1:])

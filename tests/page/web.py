#!/usr/bin/env python3
"""The pages of `danecheck serve --web`: web.py BINARY FOLDER.

`tests/suite/serve/browser.rs` serves them, as the library does in the program. The Nu
checker and axe judge each page. The browser goes through the form, the progress and
the report, by keyboard alone and without script; pages of other sites try to begin a
check; nginx and Caddy read contrib/web.
"""

import contextlib
import http.server
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

from browser import ENTER, TAB, Browser

TOP = pathlib.Path(__file__).resolve().parents[2]
WIDE, NARROW = 1280, 360


def install():
    """The web servers of the examples, which nobody starts."""
    missing = [name for name in ("nginx", "caddy") if not shutil.which(name)]
    if missing:
        command = ["apt-get", "-q", "install", "-y", "--no-install-recommends"]
        packages = [{"nginx": "nginx-light"}.get(name, name) for name in missing]
        subprocess.run([*command, *packages], check=True, stdin=subprocess.DEVNULL)


def address(browser):
    return browser.run("return location.href")


def source(browser):
    return browser.run("return document.documentElement.outerHTML")


def text(browser):
    return browser.run("return document.body.innerText")


def is_progress(browser):
    return browser.run("return !document.body || 'events' in document.body.dataset")


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


class Judge:
    """What every page has to hold, and what was seen."""

    def __init__(self, out):
        self.shots = pathlib.Path(out)
        modules = self.shots / "tools/node_modules"
        self.axe = (modules / "axe-core/axe.min.js").read_text()
        self.vnu = modules / "vnu-jar/build/dist/vnu.jar"
        self.pages = []
        self.checked = 0

    def accept(self, browser, name, shot=()):
        """axe in both schemes and widths, nothing sideways, no report of the policy."""
        browser.run("document.querySelectorAll('details').forEach((it) => it.open = true)")
        for width in (WIDE, NARROW):
            for dark in (False, True):
                browser.view(width, dark)
                assert not browser.is_wider_than_window(), f"{name} at {width}"
                found = browser.violations(self.axe)
                assert not found, f"{name}, {width}, dark {dark}: {found}"
                self.checked += 1
                if (width, dark) in shot:
                    scheme = "dark" if dark else "light"
                    browser.screenshot(self.shots / f"web-{name}-{width}-{scheme}.png")
        browser.view(WIDE)
        self.quiet(browser, name)

    def quiet(self, browser, name):
        assert browser.run("return window.ran") is None, name
        # A refusal has a status that Chromium logs.
        loud = [entry for entry in browser.log() if "Failed to load resource" not in entry]
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
    browser.open(f"{server}/")
    judge.accept(browser, "home", [(WIDE, False)])
    # By keyboard alone: past the links to the field, a target, and enter.
    browser.open(f"{server}/")
    for _ in range(10):
        browser.press(TAB)
        assert browser.run("return getComputedStyle(document.activeElement).outlineStyle") != "none"
        if browser.run("return document.activeElement.id") == "target":
            break
    for key in [*"user@silent.example", ENTER]:
        browser.press(key)
    until("progress", lambda: address(browser).endswith("/check/silent.example"))
    until("a step", lambda: "silent.example MX" in text(browser))
    judge.accept(browser, "progress", [(WIDE, False), (NARROW, True)])
    # The page changes by itself, without another load, until the report is there.
    browser.open(f"{server}/")
    browser.write("#target", "slow.example")
    browser.press(ENTER)
    until("a step", lambda: "slow.example MX" in text(browser))
    browser.run("window.same = true")
    until("an answer", lambda: browser.run(
        "return !window.same || document.querySelectorAll('#steps .ended').length > 0"))
    until("the report", lambda: not is_progress(browser))
    assert "slow.example" in text(browser)
    judge.accept(browser, "report")


def reports(browser, server, judge):
    for name in ("fine", "stale", "plain", "hostile"):
        browser.open(f"{server}/check/{name}.example")
        until(f"the report on {name}", lambda: not is_progress(browser))
        shot = [(WIDE, False), (NARROW, True)] if name == "stale" else []
        judge.accept(browser, f"report-{name}", shot)
    hostile = text(browser)
    assert "window.ran=1" in hostile, "the hostile text is not shown"
    assert not browser.run("return document.querySelectorAll('main img, main [onload], main [onerror]').length")
    for character in "\u202e\u001b":
        assert character not in hostile
    # The button that copies.
    browser.open(f"{server}/check/stale.example")
    browser.cdp("Browser.grantPermissions", origin=server,
                permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
    browser.view(WIDE)
    browser.click("main button[data-copy]")
    copied = browser.run_async("const done = arguments[arguments.length - 1];"
                              "setTimeout(() => navigator.clipboard.readText().then(done, (e) => done('' + e)), 200)")
    assert "stale.example" in copied, copied
    judge.quiet(browser, "copy")
    # Its links lead on.
    browser.run("[...document.querySelectorAll('nav a')].find((a) => a.textContent === 'Deutsch').click()")
    until("German", lambda: browser.run("return document.documentElement.lang") == "de")
    browser.run("[...document.querySelectorAll('nav a')].find((a) => a.href.includes('/history')).click()")
    until("the changes", lambda: "stale.example" in text(browser) and "dane-broken" in text(browser))
    judge.accept(browser, "history", [(NARROW, False)])
    browser.open(f"{server}/")
    judge.accept(browser, "overview", [(WIDE, False), (NARROW, True), (NARROW, False)])


def refusals(browser, server, judge):
    browser.open(f"{server}/")
    browser.write("#target", "<script>window.ran=1</script>\u202e")
    browser.press(ENTER)
    until("the refusal", lambda: "This is not a domain" in text(browser))
    judge.accept(browser, "refused", [(WIDE, True)])
    browser.open(f"{server}/check/" + urllib.parse.quote("<img src=x onerror=window.ran=1>.example"))
    assert "This is not a domain" in text(browser)
    judge.quiet(browser, "path")
    browser.open(f"{server}/check/other.example")
    assert "not on the list" in text(browser)
    judge.accept(browser, "not-listed")
    browser.open(f"{server}/")
    browser.write("#target", "b\u00fccher.example")
    browser.press(ENTER)
    until("the name in Unicode", lambda: address(browser).endswith("/check/xn--bcher-kva.example"))


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
        for host in ("127.0.0.1", "localhost"):
            before = checks(server)
            browser.open(f"http://{host}:{other.server_port}/")
            until("the requests", lambda: browser.run("return document.title") == "done")
            browser.run("document.getElementById('form').submit()")
            until("the form", lambda: address(browser).startswith(server))
            assert "a page of another origin may not" in text(browser)
            browser.open(f"http://{host}:{other.server_port}/")
            browser.click("#link")
            until("the question", lambda: "Check this domain?" in text(browser))
            # What the other page was refused.
            browser.log()
            judge.accept(browser, "question", [(WIDE, False)])
            assert checks(server) == before, f"{host} began a check"
            browser.click("button")
            until("the report", lambda: address(browser).endswith("/check/fine.example")
                  and not is_progress(browser))
        other.shutdown()


def without_script(browser, server):
    browser.open(f"{server}/")
    browser.write("#target", "plain.example")
    browser.press(ENTER)
    until("the report", lambda: "/check/plain.example" in address(browser)
          and "data-events" not in source(browser))
    # One that takes a while reloads by itself, and needs nobody.
    browser.open(f"{server}/check/slow.example?again=1")
    until("the report", lambda: "data-events" not in source(browser))


def behind_web_servers(server, scratch):
    """The examples of contrib/web, read by nginx and Caddy, and nginx in use."""
    port = server.rsplit(":", 1)[1]
    key, pem = scratch / "key.pem", scratch / "cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-subj", "/CN=dane.example.com", "-days", "2", "-keyout", str(key),
                    "-out", str(pem)], check=True, capture_output=True)
    passwords = scratch / "passwords"
    passwords.write_text("admin:{PLAIN}secret\n")
    with contextlib.closing(socket.socket()) as probe:
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


def main(_binary, out):
    judge = Judge(out)
    install()
    with Served() as server, tempfile.TemporaryDirectory() as scratch:
        with Browser() as browser:
            form_and_progress(browser, server, judge)
            reports(browser, server, judge)
            refusals(browser, server, judge)
            other_sites(browser, server, judge)
        with Browser(scripts=False) as browser:
            without_script(browser, server)
        behind_web_servers(server, pathlib.Path(scratch))
        for path, name in (("/", "home"), ("/history", "history"), ("/check/a..b", "refused"),
                           ("/check/hostile.example", "hostile"), ("/?lang=de", "german")):
            judge.keep(server, path, name)
        urllib.request.urlopen(f"{server}/check/slow.example?again=1").read()
        judge.validate()
    print(f"web: {judge.checked} pages without violations, {len(judge.pages)} valid")


if __name__ == "__main__":
    main(*sys.argv[1:])

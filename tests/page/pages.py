"""The pages of `--format html`: pages.py BINARY FOLDER [CASE...].

The Nu checker and axe judge each demo case; the browser says whether it scrolls
sideways, what it asks for, how it prints, what the keyboard reaches, and whether
anything of a hostile network runs.
"""

import base64
import json
import subprocess
import sys
from pathlib import Path

from browser import ENTER, TAB, Browser

TOP = Path(__file__).resolve().parents[2]
HEAVIEST = 150_000

# Cases of which the screenshots are looked at.
PICTURED = {
    "all-well": (1280, False),
    "stale-key": (1280, False),
    "one-bad-mx-of-two": (1280, True),
    "malformed-record": (360, False),
    "tlsa-signature-broken": (360, True),
    "port-blocked": (1280, False),
}

OWNED = "top.owned=1"
MARKUP = f"<script>{OWNED}</script>"
IMAGE = f'"><img src=x onerror={OWNED}>'
CONTROL = "\u202ea\u0007b\u2066c\u200bd"


class Failures:
    def __init__(self):
        self.checks = 0
        self.found = []

    def check(self, what, passed, detail=""):
        self.checks += 1
        if not passed:
            self.found.append(f"{what}: {detail}")
            print(f"FAILED {what}: {detail}", flush=True)


def made_by(*command, text=None):
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if not done.stdout:
        raise RuntimeError(f"{command}: {done.stderr}")
    return done.stdout


def pages(binary, out, wanted):
    """A page for each demo case, in both languages, and one for all of them."""
    listed = made_by(binary, "demo", "--list")
    found = {}
    for name in [line.split()[0] for line in listed.splitlines()]:
        if wanted and name not in wanted:
            continue
        for language in ["en", "de"]:
            path = out / f"{name}.{language}.html"
            path.write_text(made_by(binary, "demo", name, "--html", "--lang", language))
            found[f"{name}.{language}"] = path
    path = out / "all.en.html"
    path.write_text(made_by(binary, "demo", "--html"))
    return found, path


def valid(paths, tools, failures):
    """The Nu checker has nothing to say, not even a warning."""
    jar = tools / "node_modules/vnu-jar/build/dist/vnu.jar"
    command = ["java", "-jar", jar, "--format", "json", *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    for message in json.loads(done.stderr)["messages"]:
        # It looks for a nonce when the element begins, and never at the digests
        # in the policy. The browser does, and its log is checked below.
        if "violates Content Security Policy (meta tag)" in message["message"]:
            continue
        where = f"{Path(message['url']).name}:{message.get('lastLine')}"
        failures.check(f"valid {where}", False, f"{message['message']} {message.get('extract')}")
    failures.check("the Nu checker ran", "messages" in done.stderr, done.stderr[:300])


def cut_in_picture(browser):
    """The texts of the drawings that reach beyond the edge, where they are cut."""
    return browser.run(
        """
        return [...document.querySelectorAll('svg text')].filter(it => {
          const { x, width } = it.getBBox(), view = it.ownerSVGElement.viewBox.baseVal;
          return x < 0 || x + width > view.width;
        }).map(it => it.textContent);
        """
    )


def looked_at(name, path, browser, axe, out, failures):
    """One page, in both colours and widths, and on paper."""
    browser.log(), browser.requests()
    failures.check(f"{name} weight", path.stat().st_size <= HEAVIEST, path.stat().st_size)
    # The German page differs in nothing but its words.
    dark_too = [False, True] if name.endswith(".en") else [False]
    for width in [360, 1280]:
        for dark in dark_too:
            what = f"{name} {width} {'dark' if dark else 'light'}"
            browser.view(width, dark)
            browser.open(path)
            browser.run("document.querySelectorAll('details').forEach(it => it.open = true)")
            failures.check(f"{what} sideways", not browser.is_wider_than_window())
            found = browser.violations(axe)
            failures.check(f"{what} axe", not found, found)
            cut = cut_in_picture(browser)
            failures.check(f"{what} picture", not cut, cut)
    log = browser.log()
    failures.check(f"{name} log", not log, log)
    asked = [it for it in browser.requests() if it != path.resolve().as_uri()]
    failures.check(f"{name} requests", not asked, asked)
    browser.open(path)
    count = browser.printed(out / f"{name}.pdf")
    failures.check(f"{name} on paper", count <= 2, f"{count} pages")


def by_keyboard(path, browser, failures):
    """Tab reaches all that can be used, and shows where it is; Enter opens and
    copies."""
    browser.view(1280)
    browser.open(path)
    wanted = browser.run(
        "return document.querySelectorAll('a[href],summary,button:not([hidden])').length"
    )
    reached = 0
    for _ in range(wanted * 2 + 20):
        browser.press(TAB)
        at = browser.run(
            """
            const it = document.activeElement;
            if (it === document.body || it.dataset.seen) return null;
            it.dataset.seen = 1;
            return [it.tagName, getComputedStyle(it).outlineStyle, it.textContent.trim()];
            """
        )
        if at is None:
            break
        failures.check(f"focus on {at[2]}", at[1] != "none", at[1])
        reached += at[0] in ("A", "SUMMARY", "BUTTON")
        if at[0] == "SUMMARY":
            browser.press(ENTER)
            opened = browser.run("return document.activeElement.parentElement.open")
            failures.check(f"opens {at[2]}", opened)
    # What was opened can be used too.
    wanted = browser.run(
        """
        const all = document.querySelectorAll('a[href],summary,button:not([hidden])');
        return [...all].filter(it => it.checkVisibility()).length
        """
    )
    failures.check("reached by Tab", reached == wanted, f"{reached} of {wanted}")
    browser.cdp(
        "Browser.grantPermissions",
        permissions=["clipboardReadWrite", "clipboardSanitizedWrite"],
    )
    browser.run("document.querySelector('[data-copy$=postfix]').focus()")
    browser.press(ENTER)
    text, copied, note = browser.run_async(
        """
        const done = arguments[arguments.length - 1];
        const button = document.activeElement;
        setTimeout(async () => done([
          document.getElementById(button.dataset.copy).textContent,
          await navigator.clipboard.readText(),
          button.parentElement.querySelector('[role=status]').textContent]), 300);
        """
    )
    failures.check("copied", text == copied and "encrypt" in text, (text, copied))
    failures.check("said so", note == "Copied", note)


def without_script(path, failures):
    """Every word is there, and no button that does nothing."""
    with Browser() as browser:
        browser.open(path)
        whole = browser.run("return document.querySelector('main').textContent")
    with Browser(scripts=False) as browser:
        browser.view(360)
        browser.open(path)
        failures.check(
            "the same words without script",
            whole == browser.run("return document.querySelector('main').textContent"),
        )
        shown = browser.run(
            "return [...document.querySelectorAll('button')].filter(it => it.checkVisibility()).length"
        )
        failures.check("no button without script", shown == 0, shown)
        failures.check("sideways without script", not browser.is_wider_than_window())


def certificate(subject, out):
    """A certificate with this common name, in base64."""
    key, made = out / "hostile.key", out / "hostile.der"
    configuration = out / "hostile.cnf"
    quoted = subject.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
    configuration.write_text(
        "[req]\nprompt=no\nutf8=yes\nstring_mask=utf8only\ndistinguished_name=name\n"
        f'[name]\nCN="{quoted}"\n'
    )
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-keyout", key, "-outform", "DER", "-out", made, "-days", "30"]
    subprocess.run([*command, "-config", configuration], check=True, capture_output=True)
    return base64.b64encode(made.read_bytes()).decode()


def hostile_scenarios(out):
    """Recorded scenarios with names, banners and certificates of an attacker."""

    def scenario(name):
        saved = json.loads((TOP / f"fixtures/postfix/{name}.json").read_text())
        return saved["observation"]

    def changed(value, change):
        if isinstance(value, dict):
            return {key: change(key, changed(it, change)) for key, it in value.items()}
        if isinstance(value, list):
            return [changed(it, change) for it in value]
        return value

    texts = [MARKUP, IMAGE, CONTROL + MARKUP, f"{'W' * 63}.{'m' * 63}.{MARKUP}"]
    for number, text in enumerate(texts):
        chain = [certificate(text[:60], out)]

        def change(key, value, text=text, chain=chain):
            if key == "chain":
                return chain
            if key == "lines" and isinstance(value, list):
                return [f"{line[:4]}{text}" if " STARTTLS" not in line else line for line in value]
            if key == "extended_error":
                return {"code": 9, "text": text}
            return value

        for name in ["agility-all-three", "a-servfail", "greeting-554"]:
            if not (TOP / f"fixtures/postfix/{name}.json").exists():
                continue
            seen = scenario(name)
            host = f"mail.{name}.lab"
            # The name of an MX host is the domain's to choose.
            written = json.dumps(changed(seen, change))
            written = written.replace(json.dumps(host)[1:-1], json.dumps(text)[1:-1])
            yield f"hostile-{number}-{name}", written


def hostile(binary, browser, axe, out, failures):
    count = 0
    for name, saved in hostile_scenarios(out):
        file, path = out / f"{name}.json", out / f"{name}.html"
        file.write_text(saved)
        path.write_text(made_by(binary, "--replay", file, "--format", "html"))
        count += 1
        browser.log(), browser.requests()
        browser.view(360)
        browser.open(path)
        browser.run("document.querySelectorAll('details').forEach(it => it.open = true)")
        owned = browser.run("return window.owned")
        failures.check(f"{name} runs nothing", owned is None, owned)
        log = browser.log()
        failures.check(f"{name} log", not log, log)
        asked = [it for it in browser.requests() if it != path.resolve().as_uri()]
        failures.check(f"{name} requests", not asked, asked)
        shown, images, scripts = browser.run(
            "return [document.querySelector('main').textContent, document.images.length, "
            "document.scripts.length]"
        )
        failures.check(f"{name} shows it", OWNED in shown, shown[:200])
        failures.check(f"{name} elements", (images, scripts) == (0, 1), (images, scripts))
        hidden = [c for c in CONTROL if c in shown and not c.isalnum()]
        failures.check(f"{name} hides nothing", not hidden, hidden)
        failures.check(f"{name} sideways", not browser.is_wider_than_window())
        found = browser.violations(axe)
        failures.check(f"{name} axe", not found, found)
        cut = cut_in_picture(browser)
        failures.check(f"{name} picture", not cut, cut)
    failures.check("hostile scenarios", count >= 6, count)


def main():
    binary, out = sys.argv[1], Path(sys.argv[2])
    tools = out / "tools"
    axe = (tools / "node_modules/axe-core/axe.min.js").read_text()
    failures = Failures()
    found, everything = pages(binary, out, {*sys.argv[3:], "stale-key"} if sys.argv[3:] else None)
    valid([*found.values(), everything], tools, failures)
    with Browser() as browser:
        for name, path in found.items():
            looked_at(name, path, browser, axe, out, failures)
        for name, (width, dark) in PICTURED.items():
            if f"{name}.en" not in found:
                continue
            browser.view(width, dark)
            browser.open(found[f"{name}.en"])
            browser.screenshot(out / f"{name}.png")
        browser.view(360)
        browser.open(everything)
        failures.check("all sideways", not browser.is_wider_than_window())
        violations = browser.violations(axe)
        failures.check("all axe", not violations, violations)
        browser.view(1280)
        browser.open(everything)
        browser.screenshot(out / "all.png", whole=False)
        by_keyboard(found["stale-key.en"], browser, failures)
        hostile(binary, browser, axe, out, failures)
    without_script(found["stale-key.en"], failures)
    print(f"{failures.checks} checks, {len(failures.found)} failed; pictures in {out}")
    sys.exit(bool(failures.found))


if __name__ == "__main__":
    main()

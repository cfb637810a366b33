"""The renewal hooks: a certificate that does not match stays away from the mail
server, whichever ACME client brings it."""

import hashlib
import json
import os
import shlex
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from servers.turns import take_turns

ROOT = Path(__file__).resolve().parent.parent.parent
HOOKS = ROOT / "contrib/renewal"
ZONES = ROOT / "target/debug/examples/zones"
HOST = "mx1.example.test"
REFUSED = "the mail server keeps its certificate"


def run(*words: object, **more) -> subprocess.CompletedProcess:
    """A command, and everything that it said in `stdout`."""
    return subprocess.run(
        [str(word) for word in words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        check=False,
        timeout=120,
        **more,
    )


def passes(*words: object, **more) -> str:
    """The output of a command that has to succeed."""
    done = run(*words, **more)
    assert done.returncode == 0, f"{words}\n{done.stdout}"
    return done.stdout


def free_port() -> int:
    """A port of loopback on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def tlsa(certificate: Path) -> str:
    """The record 3 1 1 of the first certificate in a file."""
    key = passes("openssl", "x509", "-in", certificate, "-noout", "-pubkey")
    der = subprocess.run(
        ["openssl", "pkey", "-pubin", "-outform", "DER"],
        input=key.encode(),
        capture_output=True,
        check=True,
    ).stdout
    return f"3 1 1 {hashlib.sha256(der).hexdigest()}"


@contextmanager
def zones(*records: str):
    """example.test with these TLSA records; its options for danecheck."""
    lines = [f"@ MX 10 {HOST}.", "mx1 A 192.0.2.1"]
    lines += [f"_25._tcp.mx1 TLSA {record}" for record in records]
    server = subprocess.Popen(
        [str(ZONES), "example.test.", *lines],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield server.stdout.readline().strip()
    finally:
        server.stdin.close()
        server.wait(20)


class MailServer:
    """The files that a mail server reads, and how often it was reloaded."""

    def __init__(self, folder: Path, binary: str) -> None:
        self.folder = folder
        self.binary = binary
        folder.mkdir()
        self.certificate = folder / "cert.pem"
        self.key = folder / "key.pem"
        self.reloads = folder / "reloads"
        self.conf = folder / "deploy.conf"

    def configure(self, options: str, **more: str) -> dict[str, str]:
        """deploy.conf, from the one that is shipped; the environment for a hook."""
        given = {
            "DOMAINS": "example.test",
            "CERTIFICATE": str(self.certificate),
            "KEY": str(self.key),
            "RELOAD": f"echo reloaded >> {self.reloads}",
            "DANECHECK": self.binary,
            "OPTIONS": options,
            **more,
        }
        text = (HOOKS / "deploy.conf").read_text()
        text += "".join(f"{name}={shlex.quote(value)}\n" for name, value in given.items())
        self.conf.write_text(text)
        return {**os.environ, "DANECHECK_DEPLOY_CONF": str(self.conf)}

    def state(self) -> tuple[str | None, int]:
        """The certificate that it shows, and the reloads."""
        shown = self.certificate.read_text() if self.certificate.exists() else None
        count = len(self.reloads.read_text().splitlines()) if self.reloads.exists() else 0
        return shown, count

    def deployed(self, certificate: Path, key: Path, reloads: int) -> None:
        """It shows this certificate with its key since this many reloads."""
        assert self.state() == (certificate.read_text(), reloads), (certificate, self.state())
        assert self.key.read_text() == key.read_text()
        assert self.key.stat().st_mode & 0o077 == 0, oct(self.key.stat().st_mode)


class Pebble:
    """Let's Encrypt's test server, which takes every challenge for done."""

    def __init__(self, tools: Path, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.ca = folder / "ca.pem"
        passes(
            *"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2".split(),
            *["-subj", "/CN=Pebble's own", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
            *["-keyout", folder / "key.pem", "-out", self.ca],
        )
        port = free_port()
        self.directory = f"https://localhost:{port}/dir"
        (folder / "config.json").write_text(
            json.dumps(
                {
                    "pebble": {
                        "listenAddress": f"127.0.0.1:{port}",
                        "managementListenAddress": f"127.0.0.1:{free_port()}",
                        "certificate": str(self.ca),
                        "privateKey": str(folder / "key.pem"),
                        "httpPort": free_port(),
                        "tlsPort": free_port(),
                    }
                }
            )
        )
        easy = {"PEBBLE_VA_ALWAYS_VALID": "1", "PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0"}
        self.log = (folder / "log").open("w")
        self.process = subprocess.Popen(
            [str(tools / "usr/bin/pebble"), "-config", str(folder / "config.json")],
            env={**os.environ, **easy},
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )
        deadline = time.monotonic() + 30
        while run("curl", "-sf", "--cacert", self.ca, self.directory).returncode != 0:
            assert time.monotonic() < deadline, "Pebble does not answer"
            time.sleep(0.1)

    def stop(self) -> None:
        """Ends it."""
        self.process.terminate()
        self.process.wait(20)
        self.log.close()


class Certbot:
    """certbot of Debian, with the hook in its folder of hooks."""

    name = "certbot"

    def __init__(self, pebble: Pebble, tools: Path, folder: Path) -> None:
        self.folder = folder
        self.common = [
            *("--config-dir", folder / "config", "--work-dir", folder / "work"),
            *("--logs-dir", folder / "logs", "--server", pebble.directory, "--no-verify-ssl"),
            *("-n", "--standalone", "--http-01-port", free_port()),
        ]
        live = folder / "config/live" / HOST
        self.certificate, self.key = live / "fullchain.pem", live / "privkey.pem"

    def first(self) -> None:
        """The first certificate, before there is a hook."""
        passes(
            *("/usr/bin/certbot", "certonly", *self.common, "-d", HOST),
            *("--agree-tos", "--register-unsafely-without-email"),
        )
        hooks = self.folder / "config/renewal-hooks/deploy"
        hooks.mkdir(parents=True, exist_ok=True)
        (hooks / "danecheck").symlink_to(HOOKS / "certbot")

    def renew(self, same_key: bool, environment: dict[str, str]) -> str:
        """A renewal, with the hook."""
        more = ["--reuse-key"] if same_key else ["--new-key"]
        words = ("/usr/bin/certbot", "renew", *self.common, "--force-renewal", "--no-random-sleep-on-renew", *more)
        return run(*words, env=environment).stdout


class Lego:
    """lego of Debian."""

    name = "lego"

    def __init__(self, pebble: Pebble, tools: Path, folder: Path) -> None:
        self.words = [
            *(tools / "usr/bin/lego", "--server", pebble.directory, "--path", folder),
            *("--email", "admin@example.test", "--accept-tos", "--domains", HOST),
            *("--http", "--http.port", f"127.0.0.1:{free_port()}"),
        ]
        self.trust = {"LEGO_CA_CERTIFICATES": str(pebble.ca)}
        kept = folder / "certificates"
        self.certificate, self.key = kept / f"{HOST}.crt", kept / f"{HOST}.key"

    def first(self) -> None:
        """The first certificate, before there is a hook."""
        passes(*self.words, "run", env={**os.environ, **self.trust})

    def renew(self, same_key: bool, environment: dict[str, str]) -> str:
        """A renewal, with the hook."""
        more = ["--reuse-key"] if same_key else []
        words = (*self.words, "renew", "--days", 36500, "--no-random-sleep")
        return run(*words, "--renew-hook", HOOKS / "lego", *more, env={**environment, **self.trust}).stdout


class Dehydrated:
    """dehydrated of Debian."""

    name = "dehydrated"

    def __init__(self, pebble: Pebble, tools: Path, folder: Path) -> None:
        self.folder = folder
        (folder / "challenges").mkdir(parents=True)
        self.program = tools / "usr/bin/dehydrated"
        self.pebble = pebble
        kept = folder / "certs" / HOST
        self.certificate, self.key = kept / "fullchain.pem", kept / "privkey.pem"

    def call(self, same_key: bool, hook: str, *words: str, **more) -> subprocess.CompletedProcess:
        """dehydrated with a configuration of its own."""
        config = self.folder / "config"
        config.write_text(
            f"CA={self.pebble.directory}\nBASEDIR={self.folder}\n"
            f"WELLKNOWN={self.folder}/challenges\nCURL_OPTS='--cacert {self.pebble.ca}'\n"
            f"PRIVATE_KEY_RENEW={'no' if same_key else 'yes'}\nHOOK={hook}\nKEY_ALGO=prime256v1\n"
        )
        return run("bash", self.program, "-f", config, *words, **more)

    def first(self) -> None:
        """The first certificate, before there is a hook."""
        registered = self.call(False, "", "--register", "--accept-terms")
        assert registered.returncode == 0, registered.stdout
        made = self.call(False, "", "-c", "-d", HOST)
        assert made.returncode == 0, made.stdout

    def renew(self, same_key: bool, environment: dict[str, str]) -> str:
        """A renewal, with the hook."""
        done = self.call(same_key, str(HOOKS / "dehydrated"), "-c", "-x", "-d", HOST, env=environment)
        return done.stdout


class Checks:
    """Each of the public methods is one check."""

    def __init__(self, binary: str, tools: Path, scratch: Path) -> None:
        self.binary = binary
        self.tools = tools
        self.scratch = scratch
        self.pebble = Pebble(tools, scratch / "pebble")
        self.number = 0

    def folder(self) -> Path:
        """A name that is not taken."""
        self.number += 1
        return self.scratch / str(self.number)

    def server(self) -> MailServer:
        """A mail server without certificate."""
        return MailServer(self.folder(), self.binary)

    def pair(self) -> tuple[Path, Path]:
        """A certificate and its key, as a client without hooks leaves them."""
        folder = self.folder()
        folder.mkdir()
        certificate, key = folder / "fullchain.pem", folder / "privkey.pem"
        passes(
            *"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30".split(),
            *["-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}"],
            *["-keyout", key, "-out", certificate],
        )
        return certificate, key

    def deploy(self, environment: dict[str, str], *files: object) -> subprocess.CompletedProcess:
        """The hook that all others call."""
        return run(HOOKS / "deploy", *files, env=environment)

    def renewals(self, client) -> None:
        """A renewal with the same key, one with another key, and what helps then."""
        client.first()
        server = self.server()
        with zones(tlsa(client.certificate)) as options:
            said = client.renew(True, server.configure(options))
            assert "deployed to" in said, said
            server.deployed(client.certificate, client.key, 1)
            before = server.state()
            old = tlsa(client.certificate)
            said = client.renew(False, server.configure(options))
            assert tlsa(client.certificate) != old, "the client has kept its key"
            assert REFUSED in said and "1. " in said, said
            assert server.state() == before, said
        # The steps were done: the new record is published beside the old one.
        with zones(old, tlsa(client.certificate)) as options:
            again = self.deploy(server.configure(options), client.certificate, client.key)
            assert again.returncode == 0, again.stdout
            server.deployed(client.certificate, client.key, 2)

    def certbot(self) -> None:
        """certbot renews."""
        self.renewals(Certbot(self.pebble, self.tools, self.folder()))

    def lego(self) -> None:
        """lego renews."""
        self.renewals(Lego(self.pebble, self.tools, self.folder()))

    def dehydrated(self) -> None:
        """dehydrated renews."""
        self.renewals(Dehydrated(self.pebble, self.tools, self.folder()))

    def caddy(self) -> None:
        """Caddy obtains; the hook gets the paths that its event has."""
        folder = self.folder()
        folder.mkdir()
        (folder / "Caddyfile").write_text(
            f"""{{
    acme_ca {self.pebble.directory}
    acme_ca_root {self.pebble.ca}
    http_port {free_port()}
    https_port {free_port()}
    admin off
    storage file_system {folder}/storage
}}
{HOST} {{
    respond "mail"
}}
"""
        )
        log = (folder / "log").open("w")
        caddy = subprocess.Popen(
            [str(self.tools / "usr/bin/caddy"), "run", "--config", str(folder / "Caddyfile")],
            env={**os.environ, "HOME": str(folder)},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            deadline = time.monotonic() + 60
            while not (found := list((folder / "storage").glob(f"certificates/*/{HOST}/{HOST}.key"))):
                assert time.monotonic() < deadline, (folder / "log").read_text()
                time.sleep(0.1)
        finally:
            caddy.terminate()
            caddy.wait(20)
            log.close()
        key = found[0]
        certificate = key.with_suffix(".crt")
        paths = [path.relative_to(folder / "storage") for path in (certificate, key)]
        server = self.server()
        storage = {"CADDY_STORAGE": str(folder / "storage")}
        with zones("3 1 1 " + "00" * 32) as options:
            refused = run(HOOKS / "caddy", *paths, env={**server.configure(options), **storage})
            assert refused.returncode != 0 and REFUSED in refused.stdout, refused
            assert server.state() == (None, 0)
        with zones(tlsa(certificate)) as options:
            done = run(HOOKS / "caddy", *paths, env={**server.configure(options), **storage})
            assert done.returncode == 0, done
            server.deployed(certificate, key, 1)

    def acme_sh(self) -> None:
        """acme.sh sources the hook, and calls its function."""
        certificate, key = self.pair()
        server = self.server()
        call = f'. {HOOKS}/acme.sh; danecheck_deploy {HOST} {key} cert ca {certificate}'
        own = {"DANECHECK_DEPLOY": str(HOOKS / "deploy")}
        with zones(tlsa(certificate)) as options:
            done = run("sh", "-c", call, env={**server.configure(options), **own})
            assert done.returncode == 0, done
            server.deployed(certificate, key, 1)
        with zones("3 1 1 " + "00" * 32) as options:
            done = run("sh", "-c", call, env={**server.configure(options), **own})
            assert done.returncode != 0 and REFUSED in done.stdout, done

    def domain_without_tlsa(self) -> None:
        """Any certificate will do, and one domain that refuses is enough."""
        certificate, key = self.pair()
        server = self.server()
        with zones() as options:
            done = self.deploy(server.configure(options), certificate, key)
            assert done.returncode == 0, done
            server.deployed(certificate, key, 1)
            done = self.deploy(server.configure(options, DOMAINS="example.test no..name"), certificate, key)
            assert done.returncode != 0, done
            assert server.state()[1] == 1

    def could_not_tell(self) -> None:
        """Refused, unless the file says otherwise."""
        certificate, key = self.pair()
        server = self.server()
        nobody = f"--resolver 127.0.0.1:{free_port()} --timeout 3"
        done = self.deploy(server.configure(nobody), certificate, key)
        assert done.returncode != 0 and REFUSED in done.stdout, done
        assert server.state() == (None, 0)
        done = self.deploy(server.configure(nobody, UNKNOWN="deploy"), certificate, key)
        assert done.returncode == 0 and "could not tell" in done.stdout, done
        server.deployed(certificate, key, 1)
        done = self.deploy(server.configure(nobody, UNKNOWN="perhaps"), certificate, key)
        assert done.returncode != 0 and "UNKNOWN" in done.stdout, done

    def folder_of_the_client(self) -> None:
        """Where the mail server reads the client's own files, it is too late."""
        certificate, key = self.pair()
        server = self.server()
        server.certificate.symlink_to(certificate)
        with zones(tlsa(certificate)) as options:
            done = self.deploy(server.configure(options), certificate, key)
            assert done.returncode != 0 and "too late" in done.stdout, done
            assert server.state()[1] == 0
        with zones("3 1 1 " + "00" * 32) as options:
            done = self.deploy(server.configure(options), certificate, key)
            assert "mail waits from now on" in done.stdout, done
        # Postfix itself reads them, whatever deploy.conf says.
        server = self.server()
        (server.folder / "postconf").write_text(
            f'#!/bin/sh\n[ "$2" != smtpd_tls_chain_files ] || echo "{key}, {certificate}"\n'
        )
        (server.folder / "postconf").chmod(0o755)
        path = f"{server.folder}:{os.environ['PATH']}"
        with zones(tlsa(certificate)) as options:
            done = self.deploy({**server.configure(options), "PATH": path}, certificate, key)
            assert done.returncode != 0 and "Postfix has it in smtpd_tls_chain_files" in done.stdout, done
            assert server.state() == (None, 0)

    def faults(self) -> None:
        """What is missing is named; what fails afterwards too."""
        certificate, key = self.pair()
        server = self.server()
        with zones(tlsa(certificate)) as options:
            environment = server.configure(options, DOMAINS="")
            done = self.deploy(environment, certificate, key)
            assert done.returncode != 0 and "DOMAINS is empty" in done.stdout, done
            environment = server.configure(options)
            for files in ([], [certificate], [certificate, server.folder / "none"]):
                done = self.deploy(environment, *files)
                assert done.returncode != 0, done
            done = self.deploy({**environment, "DANECHECK_DEPLOY_CONF": "/none"}, certificate, key)
            assert done.returncode != 0 and "/none cannot be read" in done.stdout, done
            assert server.state() == (None, 0)
            done = self.deploy(server.configure(options, RELOAD="false"), certificate, key)
            assert done.returncode != 0 and "this failed: false" in done.stdout, done
            done = self.deploy(server.configure(options, DANECHECK="/none/danecheck"), certificate, key)
            assert done.returncode != 0 and REFUSED in done.stdout, done


CHECKS = [
    Checks.certbot,
    Checks.lego,
    Checks.dehydrated,
    Checks.caddy,
    Checks.acme_sh,
    Checks.domain_without_tlsa,
    Checks.could_not_tell,
    Checks.folder_of_the_client,
    Checks.faults,
]


def main() -> int:
    """All checks; the exit status says whether they hold."""
    binary, tools = sys.argv[1:]
    with tempfile.TemporaryDirectory() as scratch:
        checks = Checks(binary, Path(tools), Path(scratch))
        try:
            return take_turns(checks, CHECKS)
        finally:
            checks.pebble.stop()


sys.exit(main())

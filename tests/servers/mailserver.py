"""A mail server for checks: greeting, EHLO, STARTTLS, EHLO inside it. It takes
no mail."""

import socketserver
import ssl
import threading
from pathlib import Path

from servers.signing import run


class Dialogue(socketserver.StreamRequestHandler):
    """One client."""

    def handle(self) -> None:
        try:
            self.say("220 mail server of a lab")
            while line := self.rfile.readline(2048):
                verb = line.split(None, 1)[0].upper() if line.split() else b""
                if verb == b"EHLO":
                    self.say("250-lab" if self.in_cleartext() else "250 lab")
                    if self.in_cleartext():
                        self.say("250 STARTTLS")
                elif verb == b"STARTTLS":
                    self.say("220 go ahead")
                    self.start_tls()
                elif verb == b"QUIT":
                    self.say("221 bye")
                    return
                else:
                    self.say("502 not here")
        except OSError:
            pass

    def in_cleartext(self) -> bool:
        """Whether TLS is still to come."""
        return not isinstance(self.connection, ssl.SSLSocket)

    def say(self, line: str) -> None:
        """One line of a reply."""
        self.connection.sendall(f"{line}\r\n".encode())

    def start_tls(self) -> None:
        """Shake hands, and go on inside."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.server.certificate, self.server.key)
        self.connection = context.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb")


class MailServer(socketserver.ThreadingTCPServer):
    """Listens on port 25 of an address, with a certificate of its own making."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, directory: Path, address: str, name: str) -> None:
        base = directory / f"mail-{address}"
        # The address has dots of its own.
        self.certificate, self.key = (base.with_name(base.name + end) for end in (".pem", ".key"))
        run(
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "30", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"),
            *("-keyout", str(self.key), "-out", str(self.certificate)),
        )
        super().__init__((address, 25), Dialogue)
        threading.Thread(target=self.serve_forever, daemon=True).start()

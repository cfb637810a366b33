"""The mail servers as one of the two places sees them: `mail.py CONFIG`, which is
JSON, a list of `address`, `certificate`, `key` and `does`."""

import json
import signal
import socketserver
import ssl
import sys
import threading
from pathlib import Path

from servers.mailserver import Dialogue


class Behaving(Dialogue):
    """A mail server that does what its fields say."""

    def handle(self) -> None:
        does = self.server.does
        try:
            self.say("220 mail server of a lab")
            while line := self.rfile.readline(2048):
                verb = line.split(None, 1)[0].upper() if line.split() else b""
                if verb == b"EHLO":
                    word = {"strip": None, "mask": "XXXXXXXA"}.get(does, "STARTTLS")
                    if self.in_cleartext() and word:
                        self.say("250-lab")
                        self.say(f"250 {word}")
                    else:
                        self.say("250 lab")
                elif verb == b"STARTTLS" and does == "refuse":
                    self.say("454 4.7.0 TLS not available")
                elif verb == b"STARTTLS" and does == "cut":
                    self.say("220 go ahead")
                    self.rfile.read1(2048)
                    return
                elif verb == b"STARTTLS" and does not in ("strip", "mask"):
                    self.say("220 go ahead")
                    self.start_tls()
                elif verb == b"QUIT":
                    self.say("221 bye")
                    return
                else:
                    self.say("502 not here")
        except (OSError, ssl.SSLError):
            pass


class Server(socketserver.ThreadingTCPServer):
    """One of them."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, config: dict) -> None:
        self.certificate, self.key = config["certificate"], config["key"]
        self.does = config["does"]
        super().__init__((config["address"], 25), Behaving)
        threading.Thread(target=self.serve_forever, daemon=True).start()


if __name__ == "__main__":
    servers = [Server(one) for one in json.loads(Path(sys.argv[1]).read_text())]
    print("ready", flush=True)
    signal.pause()

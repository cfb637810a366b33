"""Mail servers that say what they are told to: one process, many addresses.

`scripted.py CONFIG LOG`: CONFIG is JSON, a list of servers with `address`,
`port`, `script` (the fields of `model.Script`) and `chains`, PEM files by SNI
(`""` for who sends none, `*` for any other name; several for several keys).
LOG gets a line `RECIPIENT 0|1` for each message, 1 where it came in TLS.
"""

import json
import selectors
import socket
import ssl
import struct
import sys
import threading
import time
from pathlib import Path

import tls12

PATIENCE = 40
GARBAGE = b"\x00\xff\x13garbage, and no reply at all\r\n" * 3


class Over(Exception):
    """The session has come to its end."""


def context(chains: list[str], script: dict) -> ssl.SSLContext:
    """The TLS context with these certificates."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.set_ciphers(script["ciphers"] or "ALL:@SECLEVEL=0")
    made.maximum_version = ssl.TLSVersion[script["newest"]]
    made.num_tickets = 0
    for chain in chains:
        made.load_cert_chain(chain)
    if script["client_certificate"] != "none":
        made.verify_mode = {"asked": ssl.CERT_OPTIONAL, "demanded": ssl.CERT_REQUIRED}[
            script["client_certificate"]
        ]
    return made


class Server:
    """One address with its script."""

    def __init__(self, config: dict, log: "Log") -> None:
        self.script = config["script"]
        self.log = log
        chains = config["chains"]
        # For TLS by hand: OpenSSL's server would not take all that is sent there.
        self.by_hand = bool(self.script["entries"] or self.script["record"])
        self.pem = chains.get("", [""])[0]
        self.contexts = {} if self.by_hand else {
            name: context(files, self.script) for name, files in chains.items()
        }
        if default := self.contexts.get(""):
            default.sni_callback = self.choose
        self.socket = socket.create_server(
            (config["address"], config["port"]), family=family(config["address"]), backlog=200
        )
        self.socket.setblocking(False)

    def choose(
        self, connection: ssl.SSLSocket, name: str | None, _context: ssl.SSLContext
    ) -> int | None:
        """The certificate for this SNI, or the alert."""
        if {"demanded": not name, "refused": bool(name)}.get(self.script["names"]):
            return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        if name:
            chosen = self.contexts.get(name) or self.contexts.get("*")
            if chosen:
                connection.context = chosen
        return None

    def accept(self) -> None:
        """One client, in a thread of its own."""
        connection, _ = self.socket.accept()
        threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection: socket.socket) -> None:
        """The whole session."""
        connection.settimeout(PATIENCE)
        try:
            Session(self, connection).run()
        except (OSError, Over, ValueError):
            pass
        finally:
            connection.close()


class Session:
    """One SMTP session."""

    def __init__(self, server: Server, connection: socket.socket) -> None:
        self.server = server
        self.script = server.script
        self.plain = connection
        self.connection = connection
        self.buffer = b""
        self.in_tls = False

    def run(self) -> None:
        """From the greeting to the end."""
        time.sleep(self.script["delay"])
        self.say(self.script["greeting"])
        recipient = ""
        while True:
            line = self.line()
            verb = line.split(" ")[0].upper()
            tls = "_in_tls" if self.in_tls else ""
            if verb in ("EHLO", "HELO"):
                self.say(self.script[verb.lower() + tls])
            elif verb == "STARTTLS" and not self.in_tls:
                self.say(self.script["starttls"])
                if self.script["starttls"].startswith("2"):
                    self.start_tls()
            elif verb == "RCPT":
                recipient = line.split("<")[1].split(">")[0]
                self.say("250 2.1.5 ok")
            elif verb == "DATA":
                self.say("354 go on")
                while self.line() != ".":
                    pass
                self.server.log.write(recipient, self.in_tls)
                self.say("250 2.0.0 accepted")
            elif verb == "QUIT":
                self.say("221 2.0.0 bye")
                raise Over
            else:
                self.say("250 2.0.0 ok")

    def say(self, reply: str) -> None:
        """A reply, or what happens instead of one."""
        if reply == "drop":
            raise Over
        if reply == "reset":
            linger = struct.pack("ii", 1, 0)
            self.plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            raise Over
        if reply == "hang":
            while self.connection.recv(4096):
                pass
            raise Over
        if reply == "garbage":
            self.connection.sendall(GARBAGE)
            return
        together = ""
        for line in reply.split("\n"):
            if not line.startswith("!"):
                together += f"{line}\r\n"
                continue
            self.connection.sendall(together.encode())
            together = ""
            if line == "!close":
                self.end()
            time.sleep(float(line.removeprefix("!wait ")))
        self.connection.sendall(together.encode())

    def end(self) -> None:
        """Closes; what the client still sends is read, so that it meets no reset."""
        self.plain.shutdown(socket.SHUT_WR)
        while self.plain.recv(4096):
            pass
        raise Over

    def start_tls(self) -> None:
        """What follows the reply to STARTTLS."""
        if self.script["after"] != "tls":
            self.say(self.script["after"])
            return
        self.buffer = b""
        if self.server.by_hand:
            shape, record = self.script["entries"] or "usual", self.script["record"]
            self.connection = tls12.serve(self.plain, self.server.pem, shape, record)
        else:
            context = self.server.contexts[""]
            self.connection = context.wrap_socket(self.connection, server_side=True)
        self.in_tls = True
        if self.script["greeting_in_tls"]:
            self.say(self.script["greeting_in_tls"])

    def line(self) -> str:
        """The next line of the client, without its end."""
        while b"\n" not in self.buffer:
            more = self.connection.recv(65536)
            if not more:
                raise Over
            self.buffer += more
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.rstrip(b"\r").decode("latin-1")


class Log:
    """What was received."""

    def __init__(self, path: Path) -> None:
        self.file = path.open("a")
        self.lock = threading.Lock()

    def write(self, recipient: str, in_tls: bool) -> None:
        """One message."""
        with self.lock:
            self.file.write(f"{recipient} {int(in_tls)}\n")
            self.file.flush()


def family(address: str) -> socket.AddressFamily:
    """IPv4 or IPv6."""
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def deafen(address: str, port: int) -> list[socket.socket]:
    """A full queue that nobody empties: further connections are not answered."""
    full = socket.create_server((address, port), family=family(address), backlog=0)
    clients = []
    for _ in range(2):
        client = socket.socket(family(address))
        client.setblocking(False)
        client.connect_ex((address, port))
        clients.append(client)
    return [full, *clients]


def main() -> None:
    """Serve until killed."""
    log = Log(Path(sys.argv[2]))
    selector = selectors.DefaultSelector()
    kept = []
    for config in json.loads(Path(sys.argv[1]).read_text()):
        if config["deaf"]:
            kept.append(deafen(config["address"], config["port"]))
            continue
        server = Server(config, log)
        selector.register(server.socket, selectors.EVENT_READ, server.accept)
    while True:
        for ready, _ in selector.select():
            try:
                ready.data()
            except BlockingIOError:
                pass


if __name__ == "__main__":
    main()

"""A web server that hands out the policies of MTA-STS, and the service that
stands where postfix-tlspol stands, each with what `senders.py` states."""

import socketserver
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from certificates import Mint
from model import Certificate

ADDRESS = "127.0.1.80"
SERVICE = ("127.0.1.81", 8642)


def serve_policies(directory: Path, mint: Mint, policies: dict[str, str]) -> None:
    """`policies` by domain, each under a certificate of its own."""
    directory.mkdir()
    contexts = {}
    for domain in policies:
        host = f"mta-sts.{domain}"
        issued = mint.for_host(f"{host}.", f"{domain}.", Certificate())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(mint.chain_file(issued, "usual", directory / f"{host}.pem"))
        contexts[host] = context

    def choose(connection: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> None:
        if name in contexts:
            connection.context = contexts[name]

    class Handler(BaseHTTPRequestHandler):
        """The policy of the host that is asked."""

        def do_GET(self) -> None:
            """Nothing else is asked for."""
            domain = self.headers["Host"].removeprefix("mta-sts.")
            body = policies[domain].encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_words: object) -> None:
            """The lab's own log says what matters."""

    server = ThreadingHTTPServer((ADDRESS, 443), Handler)
    default = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    default.load_cert_chain(next(directory.glob("*.pem")))
    default.sni_callback = choose
    server.socket = default.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def serve_answers(answers: dict[str, str]) -> None:
    """A socketmap (`socketmap_table(5)`) with these answers by next hop; what is
    not there is not found."""

    class Handler(socketserver.StreamRequestHandler):
        """One connection with any number of questions."""

        def handle(self) -> None:
            """`QUERY next-hop`, each as a netstring."""
            while length := self.length():
                _map, _, key = self.rfile.read(length).decode().partition(" ")
                self.rfile.read(1)
                reply = answers.get(key, "NOTFOUND ").encode()
                self.wfile.write(b"%d:%s," % (len(reply), reply))

        def length(self) -> int:
            """The number before the colon; 0 at the end."""
            digits = b""
            while (byte := self.rfile.read(1)) and byte != b":":
                digits += byte
            return int(digits or b"0")

    class Server(socketserver.ThreadingTCPServer):
        """Many smtp(8) processes ask at once."""

        allow_reuse_address = True
        daemon_threads = True
        request_queue_size = 128

    server = Server(SERVICE, Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()

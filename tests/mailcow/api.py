"""mailcow's API for TLS policies, as its json_api.php and
functions.tls_policy_maps.inc.php answer it, and its table, as Postfix asks it."""

import json
import re
import sqlite3
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

TABLE = """
CREATE TABLE tls_policy_override (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    dest VARCHAR(255) NOT NULL UNIQUE,
    policy TEXT NOT NULL CHECK (policy IN
        ('none','may','encrypt','dane','dane-only','fingerprint','verify','secure')),
    parameters VARCHAR(255) DEFAULT '',
    created DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
    modified DATETIME,
    active INTEGER NOT NULL DEFAULT 1
)
"""
# The query of mysql_tls_policy_override_maps.cf, but for the quotes around %s.
QUERY = """
SELECT policy || ' ' || parameters FROM tls_policy_override WHERE active = '1' AND dest = ?
"""


class Mailcow:
    """The table, the keys, and who may come."""

    def __init__(self, keys: dict[str, str], allowed: set[str], images: dict[str, str]) -> None:
        self.keys = keys
        self.allowed = allowed
        self.images = images
        self.lock = threading.Lock()
        self.table = sqlite3.connect(":memory:", check_same_thread=False)
        self.table.execute(TABLE)
        self.refused = 0

    def ask(self, query: str, *values: object) -> list[tuple]:
        """One statement."""
        with self.lock, self.table:
            return self.table.execute(query, values).fetchall()

    def look_up(self, key: str) -> str:
        """What Postfix reads in the table."""
        found = self.ask(QUERY, key)
        return f"OK {found[0][0]}" if found else "NOTFOUND "

    def rows(self) -> list[dict]:
        """`get/tls-policy-map/all`."""
        names = ("id", "dest", "policy", "parameters", "active", "created", "modified")
        found = self.ask(f"SELECT {', '.join(names)} FROM tls_policy_override")
        return [dict(zip(names, row)) for row in found]

    def parameters_are_right(self, parameters: str) -> bool:
        """`preg_match('/(.+)\\=(.+)/i', ...)` on each piece between blanks."""
        return not parameters or all(re.search("(.+)=(.+)", one) for one in parameters.split(" "))

    def add(self, row: dict) -> list[dict]:
        """`tls_policy_maps('add')`."""
        try:
            dest = row["dest"].strip()
            if not re.match(r"\[", dest):
                dest = dest.encode("idna").decode() if dest else ""
        except UnicodeError:
            dest = ""
        parameters = row.get("parameters") or ""
        if dest.lower() in ("", ".", "*", "@"):
            return danger("tls_policy_map_dest_invalid")
        if not self.parameters_are_right(parameters):
            return danger("tls_policy_map_parameter_invalid")
        dest = dest.lower()
        if any(known["dest"] == dest for known in self.rows()):
            return danger(["tls_policy_map_entry_exists", dest])
        active = int(row.get("active") or 0)
        self.ask(
            "INSERT INTO tls_policy_override (dest, policy, parameters, active) VALUES (?, ?, ?, ?)",
            *(dest, row["policy"].strip().lower(), parameters, active),
        )
        return success("tls_policy_map_entry_saved", dest)

    def edit(self, ids: list[str], attributes: dict) -> list[dict]:
        """`tls_policy_maps('edit')`."""
        said: list[dict] = []
        for number in ids:
            now = next((row for row in self.rows() if row["id"] == int(number)), None)
            if now is None:
                said += danger("access_denied")
                continue
            row = now | {
                name: value
                for name, value in attributes.items()
                if value or name in ("parameters", "active")
            }
            if not self.parameters_are_right(row["parameters"]):
                return danger("tls_policy_map_parameter_invalid")
            self.ask(
                "UPDATE tls_policy_override SET dest = ?, policy = ?, parameters = ?, active = ? WHERE id = ?",
                *(row["dest"], row["policy"], row["parameters"], int(row["active"]), int(number)),
            )
            said += success("tls_policy_map_entry_saved", row["dest"])
        return said

    def delete(self, ids: list[str]) -> list[dict]:
        """`tls_policy_maps('delete')`."""
        said: list[dict] = []
        for number in ids:
            self.ask("DELETE FROM tls_policy_override WHERE id = ?", int(number))
            said += success("tls_policy_map_entry_deleted", str(number))
        return said

    def answer(self, method: str, path: str, key: str, remote: str, body: bytes) -> tuple[int, object]:
        """Status and JSON."""
        access = self.keys.get(key)
        if access is None:
            self.refused += 1
            return 401, {"type": "error", "msg": "authentication failed"}
        if remote not in self.allowed:
            self.refused += 1
            return 401, {"type": "error", "msg": f"api access denied for ip {remote}"}
        found = re.fullmatch(r"/api/v1/(get|add|edit|delete)/(.+)", path)
        if not found:
            return 404, {"type": "error", "msg": "route not found"}
        action, what = found.groups()
        if action == "get":
            if method != "GET":
                return 405, {"type": "error", "msg": "only GET method is allowed"}
            if what == "status/containers":
                return 200, {
                    name: {"type": "info", "container": name, "state": "running",
                           "started_at": "2026-11-01T00:00:00Z", "image": image}
                    for name, image in self.images.items()
                }
            if what == "tls-policy-map/all":
                return 200, self.rows() or {}
            return 404, {"type": "error", "msg": "route not found"}
        if what != "tls-policy-map":
            return 404, {"type": "error", "msg": "route not found"}
        try:
            request = json.loads(body)
        except ValueError:
            return 400, {"type": "error", "msg": "Request body doesn't contain valid json!"}
        if access == "ro":
            return 403, {"type": "error", "msg": "API read/write access denied"}
        if method != "POST":
            return 405, {"type": "error", "msg": "only POST method is allowed"}
        if action == "add":
            return 200, self.add(request)
        if action == "edit":
            return 200, self.edit(request["items"], request["attr"])
        return 200, self.delete(request)


def success(word: str, what: str) -> list[dict]:
    """A call that did something."""
    return [{"type": "success", "log": ["tls_policy_maps"], "msg": [word, what]}]


def danger(message: object) -> list[dict]:
    """A call that did nothing."""
    return [{"type": "danger", "log": ["tls_policy_maps"], "msg": message}]


def serve(mailcow: Mailcow, address: tuple[str, int], chain: Path) -> None:
    """The web server before it."""

    class Handler(BaseHTTPRequestHandler):
        """GET and POST alike."""

        def do_GET(self) -> None:
            """All is in `answer`."""
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, said = mailcow.answer(
                *(self.command, self.path, self.headers.get("X-API-Key", "")),
                *(self.client_address[0], body),
            )
            text = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_POST = do_GET

        def log_message(self, *_words: object) -> None:
            """The lab says what matters."""

    server = ThreadingHTTPServer(address, Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()

"""The program as people get it: alone in an empty root directory, as a Debian package,
and as a container image."""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from servers.turns import take_turns

ROOT = Path(__file__).resolve().parent.parent.parent
STAGE = ROOT / "target/packaging"
GROUND = ROOT / "target/debug/examples/ground"
RELEASES = ("bookworm", "trixie")
SERVICES = ("danecheck", "danecheck-exporter", "danecheck-overrides")
SWITCHES = ("danecheck.timer", "danecheck-exporter.service", "danecheck-overrides.timer")
# What dpkg and systemd keep of every package and unit that there was.
REMAINS = ("var/lib/dpkg", "var/log", "proc", "sys", "run", "var/cache")

PROBE = """\
#!/bin/sh
exec >/probe.log 2>&1
check() { # NAME COMMAND...
    name=$1
    shift
    if said=$("$@" 2>&1); then echo "ok $name"; else echo "FAILED $name: $said"; fi
}
journal() { journalctl --no-pager -q -o cat -u "$1"; }
# A world without network: the checks cannot tell, and everything around them works.
cat >/etc/danecheck/danecheck.toml <<'TOML'
[[domain]]
name = "example.com"
TOML
printf 'example.com encrypt\\n' >/etc/postfix/tls_policy

check exporter-starts systemctl start danecheck-exporter
check exporter-answers sh -c 'for i in 1 2 3 4 5 6 7 8 9; do
    danecheck-get /-/healthy && exit 0; sleep 0.3; done; exit 1'
check exporter-probes sh -c 'danecheck-get "/probe?target=example.com" | grep danecheck_status'
exporter=/proc/$(systemctl show -P MainPID danecheck-exporter)
check exporter-root-is-read-only grep -Eq '^[0-9]+ [0-9]+ [0-9:]+ [^ ]+ / ro' "$exporter/mountinfo"
check exporter-system-calls grep -Eq '^Seccomp:[[:space:]]*2' "$exporter/status"
check exporter-no-capabilities grep -Eq '^CapBnd:[[:space:]]*0+$' "$exporter/status"
check exporter-user sh -c 'test "$(systemctl show -P UID danecheck-exporter)" -gt 1000'

mkdir -p /var/lib/prometheus/node-exporter
check textfile-runs systemctl start danecheck.service
check textfile-whole grep danecheck_status /var/lib/prometheus/node-exporter/danecheck.prom
check textfile-owner sh -c 'test "$(stat -c %U /var/lib/prometheus/node-exporter/danecheck.prom)" = danecheck'

# Status 3: could not tell. The service has failed, so that somebody sees it.
systemctl start danecheck-overrides.service
check overrides-status test "$(systemctl show -P ExecMainStatus danecheck-overrides)" = 3
check overrides-says sh -c 'journalctl --no-pager -q -o cat -u danecheck-overrides | grep "could not tell"'
rm /etc/postfix/tls_policy
check overrides-without-table systemctl start danecheck-overrides.service

for timer in danecheck.timer danecheck-overrides.timer; do
    check "$timer" systemctl enable --now "$timer"
    check "$timer-waits" systemctl is-active "$timer"
done
check upgrade dpkg -i /again.deb
check still-runs systemctl is-active danecheck-exporter
check remove dpkg -r danecheck
check stopped sh -c '! systemctl is-active danecheck-exporter'
check purge dpkg -P danecheck
check no-user sh -c '! getent passwd danecheck'
echo end
"""

# Nothing in a minimal Debian speaks HTTP.
GET = """\
#!/usr/bin/perl
use IO::Socket::INET;
my $to = IO::Socket::INET->new("127.0.0.1:9725") or exit 1;
print $to "GET $ARGV[0] HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n";
print while <$to>;
"""


def run(*words: object, **more) -> subprocess.CompletedProcess:
    """A command, with everything that it said in `stdout`."""
    return subprocess.run(
        [str(word) for word in words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        check=False,
        timeout=more.pop("seconds", 120),
        **more,
    )


def passes(*words: object, **more) -> str:
    """The output of a command that has to succeed."""
    done = run(*words, **more)
    assert done.returncode == 0, f"{[str(word) for word in words]}\n{done.stdout}"
    return done.stdout


@contextmanager
def world():
    """Signed zones and mail servers on loopback: the options for danecheck, the trust
    anchor, and a target for each verdict."""
    ground = subprocess.Popen(
        [str(GROUND)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        options = ground.stdout.readline().split()
        targets = {}
        while line := ground.stdout.readline().strip():
            verdict, target = line.split()
            targets.setdefault(verdict, target)
        yield options, targets
    finally:
        ground.stdin.close()
        ground.wait(20)


class Checks:
    """Each of the public methods is one check."""

    def __init__(self, program: str, roots: Path, scratch: Path) -> None:
        self.program = Path(program)
        self.roots = roots
        self.scratch = scratch
        self.package = next(STAGE.glob("danecheck_*.deb"))

    def alone(self, folder: Path) -> Path:
        """A root directory with nothing but the program."""
        folder.mkdir()
        shutil.copy(self.program, folder / "danecheck")
        return folder

    def verdicts(self, root: Path, *command: object) -> None:
        """What the program says in the world, called by this command."""
        with world() as (options, targets):
            anchor = Path(options[options.index("--trust-anchor") + 1])
            shutil.copy(anchor, root / "anchor")
            (root / "anchor").chmod(0o644)
            options = [word if word != str(anchor) else "/anchor" for word in options]
            assert len(targets) == 4, targets
            for verdict, target in targets.items():
                said = run(*command, "--json", *options, target).stdout
                assert f'"verdict":"{verdict}"' in said.replace(": ", ":"), (target, said)

    def static_program_in_an_empty_root(self) -> None:
        """The demo, and checks of servers outside."""
        root = self.alone(self.scratch / "empty")
        demo = run("chroot", root, "/danecheck", "demo").stdout
        assert "panicked" not in demo and "stale-key" in demo, demo
        self.verdicts(root, "chroot", root, "/danecheck")
        left = sorted(path.name for path in root.iterdir())
        assert left == ["anchor", "danecheck"], left

    def lintian_is_content(self) -> None:
        """No error, and no warning either."""
        said = passes("lintian", "--fail-on", "error,warning", "--allow-root", self.package)
        assert not said.strip(), said

    def pages_and_completions(self) -> None:
        """Each is readable by what reads it, and is the program's own."""
        pages = sorted((STAGE / "man").iterdir())
        assert len(pages) > 8, pages
        for page in pages:
            passes("mandoc", "-T", "lint", "-W", "error", page)
        # The examples below them begin with other programs.
        listed = passes(self.program, "--help").split("\nCommands:\n")[1].split("\n\n")[0]
        commands = re.findall(r"^  ([a-z]+) ", listed, re.M)
        assert "triage" in commands and len(commands) > 8, commands
        for command in set(commands) - {"help"}:
            assert (STAGE / f"man/danecheck-{command}.1").exists(), command
        names = {"bash": "danecheck.bash", "zsh": "_danecheck", "fish": "danecheck.fish"}
        for shell, name in names.items():
            file = STAGE / "completions" / name
            assert file.read_text() == passes(self.program, "completions", shell), shell
            if shutil.which(shell):
                passes(shell, "-n", file)
        # As a person types it.
        typed = f"""source {STAGE}/completions/danecheck.bash
COMP_WORDS=(danecheck tri) COMP_CWORD=1; _danecheck danecheck tri danecheck; echo "${{COMPREPLY[*]}}" """
        assert passes("bash", "-c", typed).strip() == "triage"

    @contextmanager
    def debian(self, release: str):
        """A fresh Debian of this release, with the package beside it."""
        base = self.scratch / f"debian-{release}-{time.monotonic_ns()}"
        for name in ("upper", "work", "root"):
            (base / name).mkdir(parents=True)
        root = base / "root"
        layers = f"lowerdir={self.roots / release},upperdir={base}/upper,workdir={base}/work"
        passes("mount", "-t", "overlay", "overlay", "-o", layers, root)
        try:
            passes("mount", "-t", "proc", "proc", root / "proc")
            shutil.copy(self.package, root / "danecheck.deb")
            yield root
        finally:
            passes("umount", "--recursive", root)

    def again(self) -> Path:
        """The package of the next revision."""
        copy = self.scratch / "again"
        if not copy.exists():
            passes("dpkg-deb", "-R", self.package, copy)
            control = copy / "DEBIAN/control"
            control.write_text(re.sub(r"(?m)^(Version: .*)-1$", r"\1-2", control.read_text()))
            passes("dpkg-deb", "--root-owner-group", "-Zgzip", "-b", copy, self.scratch / "again.deb")
        return self.scratch / "again.deb"

    def installs(self, release: str) -> None:
        """Installed, upgraded, removed, purged: each as Debian's policy has it."""
        with self.debian(release) as root:
            inside = ("chroot", root)
            start = time.monotonic()
            passes(*inside, "dpkg", "-i", "/danecheck.deb")
            first = run(*inside, "danecheck", "demo", "stale-key").stdout
            print(f"        {release}: {time.monotonic() - start:.1f} s from the package file to the first answer")
            assert "example.com  encrypt" in first, first
            assert "danecheck:" in passes(*inside, "getent", "passwd", "danecheck")
            for unit in SWITCHES:
                assert run(*inside, "systemctl", "is-enabled", unit).stdout.strip() == "disabled", unit
            units = [f"/usr/lib/systemd/system/{name}.service" for name in SERVICES]
            units += [f"/usr/lib/systemd/system/{name}" for name in SWITCHES if name.endswith("timer")]
            # These two are copied by hand, for a Caddy without hooks.
            caddy = [f"/usr/share/danecheck/renewal/danecheck-caddy.{kind}" for kind in ("path", "service")]
            said = passes(*inside, "systemd-analyze", "verify", "--man=no", *units, *caddy)
            assert not said.strip(), said
            for unit in units:
                if unit.endswith(".service"):
                    said = passes(
                        *inside, "systemd-analyze", "security", "--offline=true", "--threshold=20", unit
                    )
                    level = re.search(r"exposure level for \S+ ([\d.]+)", said)[1]
                    assert float(level) <= 2.0, (unit, level)
            empty = run(*inside, "danecheck", "--config", "/etc/danecheck/danecheck.toml").stdout
            assert "names no domain" in empty, empty
            config = root / "etc/danecheck/danecheck.toml"
            config.write_text(config.read_text() + '\n[[domain]]\nname = "example.test"\n')
            shutil.copy(self.again(), root / "again.deb")
            passes(*inside, "dpkg", "-i", "/again.deb")
            assert "-2" in passes(*inside, "dpkg-query", "-W", "danecheck")
            assert "example.test" in config.read_text(), "the upgrade has written over the configuration"
            passes(*inside, "dpkg", "-r", "danecheck")
            assert config.exists() and not (root / "usr/bin/danecheck").exists()
            passes(*inside, "dpkg", "-P", "danecheck")
            found = passes("find", root, "-xdev", "-name", "*danecheck*").split()
            left = [str(Path(path).relative_to(root)) for path in found]
            left = [path for path in left if not path.startswith(REMAINS) and path != "danecheck.deb"]
            assert not left, left
            assert run(*inside, "getent", "passwd", "danecheck").returncode != 0

    def installs_on_debian_12(self) -> None:
        """bookworm."""
        self.installs("bookworm")

    def installs_on_debian_13(self) -> None:
        """trixie."""
        self.installs("trixie")

    def boots(self, release: str) -> None:
        """Each unit under a systemd of its own, with user, sandbox and all."""
        with self.debian(release) as root:
            shutil.copy(self.again(), root / "again.deb")
            passes("chroot", root, "dpkg", "-i", "/danecheck.deb")
            (root / "etc/postfix").mkdir()
            for path, text in (("probe", PROBE), ("usr/bin/danecheck-get", GET)):
                (root / path).write_text(text)
                (root / path).chmod(0o755)
            (root / "etc/systemd/system/probe.service").write_text(
                "[Unit]\nAfter=basic.target\n[Service]\nType=oneshot\nExecStart=/probe\n"
                "ExecStopPost=/bin/systemctl --no-block poweroff\n"
            )
            wants = root / "etc/systemd/system/multi-user.target.wants"
            wants.mkdir(parents=True, exist_ok=True)
            (wants / "probe.service").symlink_to("/etc/systemd/system/probe.service")
            passes("umount", root / "proc")
            # Into a file: what the boot leaves behind may hold a pipe open.
            console = self.scratch / f"console-{release}"
            boot = "exec systemd-nspawn --quiet --register=no --keep-unit --private-network"
            run(
                *("sh", "-c", f"{boot} -D '{root}' --boot >'{console}' 2>&1"),
                # Debian 13 does not boot on the older control groups.
                env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
                seconds=180,
            )
            log = root / "probe.log"
            assert log.exists(), console.read_text(errors="replace")[-2000:]
            said = log.read_text()
            (root / "usr/bin/danecheck-get").unlink()
            assert "FAILED" not in said and said.rstrip().endswith("end"), said

    def runs_on_debian_12(self) -> None:
        """bookworm."""
        self.boots("bookworm")

    def runs_on_debian_13(self) -> None:
        """trixie."""
        self.boots("trixie")

    def release_is_whole(self) -> None:
        """What the workflow runs by tag, and CI of outsiders that installs from it."""
        folder = self.scratch / "release"
        environment = {**os.environ, **self.containers()}
        words = (ROOT / "packaging/release", "x86_64-linux", self.program, folder)
        archive = folder / "danecheck-x86_64-linux.tar.gz"
        passes(*words, env=environment, seconds=600)
        first = archive.read_bytes()
        passes(*words, env=environment, seconds=600)
        assert archive.read_bytes() == first, "the same files give another archive"
        passes(ROOT / "packaging/checksums", folder)
        version = passes(ROOT / "packaging/version").strip()
        names = sorted(path.name for path in folder.iterdir())
        assert names == [
            "SHA256SUMS", "danecheck-image-x86_64-linux.tar", "danecheck-x86_64-linux.cdx.json",
            archive.name, f"danecheck_{version}-1_amd64.deb",
        ], names
        passes("sha256sum", "--check", "--strict", "SHA256SUMS", cwd=folder)
        with tarfile.open(folder / "danecheck-image-x86_64-linux.tar") as image:
            manifest = json.load(image.extractfile("manifest.json"))
        # `docker load` shortens it to danecheck, as contrib/mailcow names it.
        assert manifest[0]["RepoTags"] == ["docker.io/library/danecheck:latest"], manifest
        text = (folder / "danecheck-x86_64-linux.cdx.json").read_text()
        faults = JsonStrictValidator(SchemaVersion.V1_5).validate_str(text)
        assert faults is None, str(faults)[:500]
        assert str(ROOT) not in text, "the SBOM says where it was made"
        inside = json.loads(text)
        assert inside["metadata"]["component"]["version"] == version, inside["metadata"]
        components = {one["name"]: one["version"] for one in inside["components"]}
        locked = set(re.findall(r'name = "(.+)"\nversion = "(.+)"', (ROOT / "Cargo.lock").read_text()))
        assert set(components.items()) <= locked, set(components.items()) - locked
        assert {"danecheck-core", "domain", "ring", "rustls", "tokio"} <= set(components), components
        assert passes(ROOT / "packaging/changes", version).strip()
        passes("tar", "-C", self.scratch, "-xf", archive, "danecheck")
        ready = (sys.executable, ROOT / "tests/contrib/ready.py", self.scratch / "danecheck")
        said = passes(*ready, self.roots, folder)
        assert said.count("ok ") == 2, said

    def containers(self) -> dict[str, str]:
        """Where podman keeps what it makes here."""
        store = self.scratch / "containers"
        storage = self.scratch / "storage.conf"
        storage.write_text(
            f'[storage]\ndriver = "vfs"\ngraphroot = "{store}/graph"\nrunroot = "{store}/run"\n'
        )
        return {"CONTAINERS_STORAGE_CONF": str(storage)}

    def image_is_the_program_alone(self) -> None:
        """Built by podman; run read-only, without capabilities, as nobody."""
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(self.scratch)}
        environment |= self.containers()
        built = passes(ROOT / "packaging/image", self.program, "localhost/danecheck", env=environment)
        assert built.strip(), built
        shown = passes("podman", "inspect", "--format", "{{.User}} {{len .RootFS.Layers}}", "localhost/danecheck", env=environment)
        assert shown.split() == ["65534:65534", "1"], shown
        exported = self.scratch / "exported"
        exported.mkdir()
        how = ["podman", "run", "--rm", "--read-only", "--cap-drop=ALL", "--network=host", "--ulimit=host"]
        how += ["--security-opt=no-new-privileges", f"--volume={exported}/anchor:/anchor:ro"]
        (exported / "anchor").touch()
        first = run(*how, "localhost/danecheck", "--version", env=environment)
        if first.returncode != 0:
            # Where a container may not be started, its root directory is entered.
            print(f"        podman cannot run it here ({first.stdout.strip()[-200:]}): entered by chroot")
            container = passes("podman", "create", "localhost/danecheck", env=environment).strip()
            passes("podman", "export", "-o", self.scratch / "image.tar", container, env=environment)
            passes("tar", "-C", exported, "-xf", self.scratch / "image.tar")
            files = [path.name for path in exported.rglob("*") if path.is_file() and path.stat().st_size]
            assert "danecheck" in files, files
            self.verdicts(exported, "chroot", "--userspec=65534:65534", exported, "/danecheck")
            return
        demo = run(*how, "localhost/danecheck", "demo", env=environment).stdout
        assert "stale-key" in demo and "panicked" not in demo, demo
        with world() as (options, targets):
            anchor = options[options.index("--trust-anchor") + 1]
            (exported / "anchor").write_text(Path(anchor).read_text())
            options = [word if word != anchor else "/anchor" for word in options]
            said = run(*how, "localhost/danecheck", "--json", *options, targets["dane-ok"], env=environment)
            assert "dane-ok" in said.stdout, said.stdout


CHECKS = [
    Checks.static_program_in_an_empty_root,
    Checks.lintian_is_content,
    Checks.pages_and_completions,
    Checks.installs_on_debian_12,
    Checks.installs_on_debian_13,
    Checks.runs_on_debian_12,
    Checks.runs_on_debian_13,
    Checks.image_is_the_program_alone,
    Checks.release_is_whole,
]


def main() -> int:
    """All checks; the exit status says whether they hold."""
    program, roots, *only = sys.argv[1:]
    chosen = [check for check in CHECKS if not only or any(word in check.__name__ for word in only)]
    size = Path(program).stat().st_size / 1e6
    package = next(STAGE.glob("danecheck_*.deb")).stat().st_size / 1e6
    print(f"        the program has {size:.1f} MB, the package {package:.1f} MB")
    with tempfile.TemporaryDirectory() as scratch:
        Path(scratch).chmod(0o755)
        return take_turns(Checks(program, Path(roots), Path(scratch)), chosen)


sys.exit(main())

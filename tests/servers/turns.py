"""Checks that each have their turn, whatever the others come to."""


def take_turns(subject: object, checks: list) -> int:
    """Runs the checks on the subject; the exit status says whether all hold."""
    failed = 0
    for check in checks:
        name = check.__name__.replace("_", " ")
        try:
            check(subject)
            print(f"ok      {name}", flush=True)
        except Exception as error:  # each check shall have its turn
            failed += 1
            print(f"FAILED  {name}: {error!r}", flush=True)
    print(f"{len(checks) - failed} passed, {failed} failed")
    return 1 if failed else 0

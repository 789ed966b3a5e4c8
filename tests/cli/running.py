"""Runs a command in this process, as the terminal would."""

from typer.testing import CliRunner, Result

from pellucid.cli.app import app


def run(*arguments: object, env: dict[str, str] | None = None) -> Result:
    """The result of `pellucid arguments…`; anything but an orderly end is raised."""
    result = CliRunner(env=env).invoke(app, [str(a) for a in arguments], prog_name="pellucid")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def done(*arguments: object, env: dict[str, str] | None = None) -> Result:
    """The same, for a command that must succeed."""
    result = run(*arguments, env=env)
    assert result.exit_code == 0, result.output
    return result

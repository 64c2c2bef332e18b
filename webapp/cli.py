"""Provides the admin's commands.

They are `./stillair web set-up`, `create-user NAME`, `admin NAME`, `admin reset-second-factor NAME`, `reset-link NAME`, `demo`,
`quota NAME GB`, `recordings rebuild`.
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from itertools import combinations

import click
from flask import Flask
from flask.cli import with_appcontext
from sqlalchemy import select

from webapp.accounts import accounts, password_resets, quotas
from webapp.admin import people as admin_people
from webapp.auth import set_up
from webapp.core.database import db
from webapp.core.errors import ApiError, Conflict
from webapp.factors import second_factor
from webapp.friends import requests
from webapp.models import User
from webapp.recordings import ingest
from webapp.security import audit

DEMO_NAMES = ("demo-alice", "demo-bob", "demo-charlie")


def init_app(app: Flask) -> None:
    app.cli.add_command(set_up_server)
    app.cli.add_command(create_user)
    app.cli.add_command(demo)
    app.cli.add_command(quota)
    app.cli.add_command(recordings)
    app.cli.add_command(admin)
    app.cli.add_command(reset_link)


@click.command("set-up")
@with_appcontext
def set_up_server() -> None:
    """Bring the database up to date, and print the link for the first account while there is none."""
    import flask_migrate  # with Alembic, 10 MB, which only this command needs

    flask_migrate.upgrade()
    if link := set_up.link():
        click.echo(f"Open {link} to make the first account, which is the admin's.")


@click.command("create-user")
@click.argument("username")
@with_appcontext
def create_user(username: str) -> None:
    """Make an account; the first one is the admin's. Asks for the password."""
    password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    try:
        user = accounts.register(username, password)
    except ApiError as error:
        raise click.ClickException(error.message) from error
    click.echo(f"{user.username} can log in now{' and is the admin' if user.is_admin else ''}.")


@click.command("demo")
@click.option("--force", is_flag=True, help="Also in a data folder with people of its own.")
@with_appcontext
def demo(force: bool) -> None:
    """Make three people who are friends, to try things out. A second call gives them new passwords."""
    others = set(db.session.scalars(select(User.username))) - set(DEMO_NAMES)
    if others and not force:
        raise click.ClickException(
            f"This data folder has {len(others)} people of its own. Nothing was changed. "
            "Use another data folder, or --force to add the demo people here."
        )
    people = [_with_new_password(name) for name in DEMO_NAMES]
    for one, other in combinations(people, 2):
        with suppress(Conflict):  # they have asked, or are friends already
            requests.send(one, other.username)
        with suppress(Conflict):
            requests.send(other, one.username)
    click.echo("These passwords are shown only now.")


def _with_new_password(name: str) -> User:
    password = secrets.token_urlsafe(12)
    user = accounts.find(name)
    if user is None:
        user = accounts.register(name, password)
    else:
        accounts.set_password(user, password)
    click.echo(f"{name}  {password}")
    return user


@click.command("quota")
@click.argument("username")
@click.argument("gb", required=False)
@with_appcontext
def quota(username: str, gb: str | None) -> None:
    """Limit the GB that the recordings of a person may take; 0 is no limit. Without a number, the server's setting counts."""
    user = _person(username)
    days = "" if user.most_days is None else str(user.most_days)
    try:
        quotas.grant(audit.COMMAND_LINE, user, quota_gb=gb or "", most_days=days)
    except ApiError as error:
        raise click.ClickException(f"{error.message} Nothing was changed.") from error
    limit = quotas.quota(user)
    room = "as many as there are" if limit is None else f"{limit / quotas.GB:g}"
    click.echo(f"{user.username} uses {quotas.used(user) / quotas.GB:.1f} GB of {room}.")


def _person(username: str) -> User:
    user = accounts.find(username)
    if user is None:
        raise click.ClickException(f"Nobody here is called {username}. Nothing was changed.")
    return user


class _AdminGroup(click.Group):
    """Takes `admin NAME` as short for `admin make NAME`."""

    def resolve_command(self, context: click.Context, arguments: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        known = arguments[0] in self.commands and len(arguments) > 1
        return super().resolve_command(context, arguments if known else ["make", *arguments])


@click.group("admin", cls=_AdminGroup)
def admin() -> None:
    """Help people who cannot log in. `admin NAME` is short for `admin make NAME`."""


@admin.command("make")
@click.argument("username")
@with_appcontext
def make_admin(username: str) -> None:
    """Make somebody an admin, for when there is none who can log in."""
    user = _person(username)
    try:
        admin_people.make_admin(audit.COMMAND_LINE, user)
    except ApiError as error:
        raise click.ClickException(error.message) from error
    click.echo(f"{user.username} is an admin.")


@admin.command("reset-second-factor")
@click.argument("username")
@with_appcontext
def reset_second_factor(username: str) -> None:
    """Remove every second factor of somebody who has lost them, so that the password is enough."""
    user = _person(username)
    second_factor.remove_all(audit.COMMAND_LINE, user)
    click.echo(f"{user.username} logs in with the password alone now.")


@click.command("reset-link")
@click.argument("username")
@with_appcontext
def reset_link(username: str) -> None:
    """Print a link by which somebody chooses a new password, once, within 24 hours."""
    click.echo(password_resets.make(audit.COMMAND_LINE, _person(username)))


@click.group("recordings")
def recordings() -> None:
    """Look after the files of recordings."""


@recordings.command("rebuild")
@with_appcontext
def rebuild() -> None:
    """Make the list of recordings again from their files, after the database was lost. Files are only read."""
    done = ingest.rebuild()
    for problem in done.problems:
        click.echo(problem, err=True)
    count = len(done.taken)
    click.echo(f"{count} recording{'' if count == 1 else 's'} in the list.")
    if done.problems:
        raise click.ClickException(f"{len(done.problems)} were left out; nothing was deleted. See the lines above.")

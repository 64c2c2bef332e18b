"""Sends mail by SMTP, for servers whose admin has set STILLAIR_SMTP_URL.

The connection is encrypted and the server's certificate checked, except for smtp:// to a server on this machine.
"""

from __future__ import annotations

import re
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate, make_msgid, parseaddr
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

from flask_babel import gettext as _

from webapp.core.config import current_config
from webapp.core.database import refuse_open_transaction
from webapp.core.errors import Invalid

TIMEOUT_S = 10.0
PORTS = {"smtp": 587, "smtps": 465}
ADDRESS_LENGTH = 254
ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*")
"""What browsers take for `type=email` (html.spec.whatwg.org): one address, nothing that could be a second header."""


class MailRefused(Exception):
    """The mail server cannot be reached, is not who it should be, or does not take the message. `__cause__` says which."""


def is_configured() -> bool:
    return current_config().smtp_url is not None


def checked_address(text: str) -> str | None:
    """Return the address without spaces around it, or None for an empty one. Raises Invalid."""
    address = text.strip()
    if not address:
        return None
    if len(address) > ADDRESS_LENGTH or not ADDRESS.fullmatch(address):
        raise Invalid.field("email", _("This is not an e-mail address such as name@example.org."))
    return address


def send(to: str, subject: str, text: str) -> None:
    """Send one message. Raises MailRefused.

    This takes up to TIMEOUT_S for each step, so no request may wait for it.
    """
    message = EmailMessage()
    message["From"] = current_config().mail_from
    message["To"] = to
    message["Subject"] = subject
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain=parseaddr(current_config().mail_from)[1].rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday notes, please
    message.set_content(text)
    refuse_open_transaction("mail server")
    try:
        with _connect(current_config().smtp_url or "") as server:
            server.send_message(message)
    except (OSError, smtplib.SMTPException) as error:
        raise MailRefused from error


def _connect(url: str) -> smtplib.SMTP:
    address = urlsplit(url)
    host, port = address.hostname or "", address.port or PORTS[address.scheme]
    context = ssl.create_default_context()
    if address.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_S, context=context)
    else:
        server = smtplib.SMTP(host, port, timeout=TIMEOUT_S)
    try:
        if address.scheme == "smtp" and not _is_here(host):
            server.starttls(context=context)  # raises where it is not offered: no password is sent then
        if address.username:
            server.login(unquote(address.username), unquote(address.password or ""))
    except BaseException:
        server.close()
        raise
    return server


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

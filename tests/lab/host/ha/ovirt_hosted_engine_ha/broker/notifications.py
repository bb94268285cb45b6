# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Mails about changes of state (host contract 2.3, 7)."""

import email.message
import email.utils
import logging
import os
import re
import smtplib
import socket
import string
from collections.abc import Callable, Mapping

from ..env import config_ini, constants

_log = logging.getLogger(__name__)

_DEFAULTS = {
    "email.smtp-server": "localhost",
    "email.smtp-port": "25",
    "email.source-email": "root@localhost",
    "email.destination-emails": "root@localhost",
    "email.smtp-timeout": "10",
}


def _cached() -> dict[str, str]:
    if not os.path.exists(constants.BROKER_CONF_CACHE_FILE):
        return {}
    with open(constants.BROKER_CONF_CACHE_FILE, encoding="utf-8") as stream:
        return config_ini.parse(stream.read())


def is_wanted(values: Mapping[str, str], event: str, detail: str) -> bool:
    """Tell whether the regular expression of the event occurs in the detail, in lower case."""
    pattern = values.get(f"notify.{event}")
    return bool(pattern) and re.search(str(pattern), detail.lower()) is not None


def compose(
    values: Mapping[str, str], event: str, detail: str, options: Mapping[str, str]
) -> email.message.EmailMessage:
    """Return the mail: subject, and the body from the template of the event. Raises OSError without a template."""
    path = os.path.join(constants.NOTIFICATIONS_DIR, f"{event}.txt")
    with open(path, encoding="utf-8") as stream:
        template = string.Template(stream.read())
    message = email.message.EmailMessage()
    message["From"] = values["email.source-email"]
    message["To"] = values["email.destination-emails"]
    message["Date"] = email.utils.formatdate(localtime=True)
    message["Subject"] = f"ovirt-hosted-engine state transition {detail}"
    message.set_content(template.safe_substitute({"detail": detail, "hostname": socket.gethostname(), **options}))
    return message


def notify(fetch: Callable[[], dict[str, str]], event: str, detail: str, options: Mapping[str, str]) -> bool:
    """Send a mail if broker.conf wants this event, and tell whether one was sent.

    ``fetch`` reads broker.conf from the archive; where it cannot, the copy read last counts.
    """
    values = {**_DEFAULTS, **(fetch() or _cached())}
    if not is_wanted(values, event, detail):
        return False
    message = compose(values, event, detail, options)
    recipients = [address.strip() for address in values["email.destination-emails"].split(",")]
    try:
        with smtplib.SMTP(
            values["email.smtp-server"], int(values["email.smtp-port"]), timeout=float(values["email.smtp-timeout"])
        ) as server:
            server.send_message(message, values["email.source-email"], recipients)
    except (OSError, smtplib.SMTPException) as exc:
        _log.error("Failed to send the mail about %s: %s", detail, exc)
        return False
    return True

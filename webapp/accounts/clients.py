"""Says in plain words from where somebody has logged in: which browser, on which system, in which network.

Only these words are kept. A browser calls itself what it likes, so they help people to recognise their own log-ins and decide
nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network

from flask import has_request_context, request
from flask_babel import gettext as _

# Part of the User-Agent header -> name. Browsers name those that they descend from as well: the first that fits counts.
BROWSERS = {
    "Edg": "Edge",
    "OPR/": "Opera",
    "SamsungBrowser/": "Samsung Internet",
    "Vivaldi/": "Vivaldi",
    "Firefox/": "Firefox",
    "FxiOS/": "Firefox",
    "CriOS/": "Chrome",
    "Chromium/": "Chromium",
    "Chrome/": "Chrome",
    "Safari/": "Safari",
    "curl/": "curl",
    "python-": "Python",
}
SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "CrOS": "ChromeOS",
    "Windows": "Windows",
    "Macintosh": "macOS",
    "Linux": "Linux",
}
HERE = "127.x"
IPV4_KEPT, IPV6_KEPT = 24, 48  # bits of an address: what belongs to a neighbourhood or an organisation, not to a household


@dataclass(frozen=True)
class Client:
    browser: str  # a value of BROWSERS, or ""
    system: str  # a value of SYSTEMS, or ""
    network: str  # "203.0.113.x", "2001:db8:7::", HERE, or "" when it is not known


def current() -> Client:
    """Return what is asking now."""
    if not has_request_context():
        return Client("", "", "")
    agent = request.user_agent.string
    return Client(_first(BROWSERS, agent), _first(SYSTEMS, agent), shortened(request.remote_addr or ""))


def _first(names: dict[str, str], agent: str) -> str:
    return next((name for part, name in names.items() if part in agent), "")


def shortened(address: str) -> str:
    """Return the network of an IP address, by which no household can be told from its neighbours."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return ""
    if isinstance(parsed, IPv6Address):
        parsed = parsed.ipv4_mapped or parsed
    if parsed.is_loopback:
        return HERE
    if isinstance(parsed, IPv6Address):
        return str(ip_network((parsed, IPV6_KEPT), strict=False).network_address)
    return str(ip_network((parsed, IPV4_KEPT), strict=False).network_address).removesuffix("0") + "x"


def browser_words(browser: str, system: str) -> str:
    """Return such as "Firefox on Linux"."""
    if browser and system:
        return _("%(browser)s on %(system)s", browser=browser, system=system)
    return browser or (_("A browser on %(system)s", system=system) if system else _("An unknown browser"))


def place_words(network: str, *, is_this: bool = False) -> str:
    """Return where a network is, as far as its address says. `is_this`: it is that of the browser which asks."""
    if network == HERE:
        return _("the server's own machine")
    if network and not is_this and network == current().network:
        return _("%(network)s, like this browser", network=network)
    return network or _("unknown place")

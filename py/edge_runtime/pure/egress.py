"""Which URLs and requests of a task may leave the device.

Only spellings are accepted that every URL parser reads alike; what is sent is the one form that
all of them would make of it. A URL that has another reading is refused, not repaired.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ..errors import ConfigError

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
URL_CHARS: Final = 8_192
HEADERS: Final = 32
HEADER_CHARS: Final = 8_192
SENT_BYTES: Final = 1 * 2**20
RECEIVED_BYTES: Final = 8 * 2**20

_CHAR: Final = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})"
_URL: Final = re.compile(
    rf"(https?)://([A-Za-z0-9._-]+)(?::([0-9]{{1,5}}))?(/{_CHAR}*)?(\?(?:{_CHAR}|\?)*)?",
    re.IGNORECASE | re.ASCII,
)
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}
_SEPARATOR: Final = re.compile(r"/|%2f|%5c", re.IGNORECASE)
_NUMERIC: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_OCTET: Final = re.compile(r"0|[1-9][0-9]{0,2}")
_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")
_HEADER_VALUE: Final = re.compile(r"(?:[!-~](?:[ -~]*[!-~])?)?")
_BROWSERS_OWN: Final = frozenset(
    "accept-charset accept-encoding access-control-request-headers access-control-request-method "
    "access-control-request-private-network connection content-length cookie cookie2 date dnt "
    "expect host keep-alive origin referer set-cookie te trailer transfer-encoding upgrade via "
    "x-http-method x-http-method-override x-method-override".split()
)
_BROWSERS_PREFIXES: Final = ("proxy-", "sec-")


@dataclass(frozen=True, slots=True)
class Request:
    """A request that may be sent as it is: the URL normalised, header names in lower case."""

    url: str
    method: str
    headers: Mapping[str, str]
    body: bytes | None


def checked_request(
    egress: Sequence[str],
    url: object,
    method: object = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | str | None = None,
) -> Request:
    """Return what is sent for a call of ``ctx.fetch``; text is sent as UTF-8.

    Raises:
        ConfigError: ``egress-refused``: no prefix of ``egress`` covers the URL, or it can be read
            in two ways. ``argument-invalid``: method, headers or body.
    """
    allowed = allowed_url(egress, url)
    if method not in METHODS:
        raise _invalid("method", f"one of {', '.join(METHODS)}", repr(method))
    assert isinstance(method, str)
    return Request(allowed, method, _checked_headers(headers or {}), _checked_body(method, body))


def allowed_url(egress: Sequence[str], url: object) -> str:
    """Return the URL in its one spelling, if a prefix of ``egress`` covers it.

    Raises:
        ConfigError: ``egress-refused``.
    """
    normal = normalised_url(url)
    if not any(normal.startswith(normalised_url(prefix)) for prefix in egress):
        expected = f"a URL below one of the task's egress ({', '.join(egress) or 'none'})"
        raise _refused(url, expected, normal, "Add its prefix to egress in task.toml.")
    return normal


def normalised_url(url: object) -> str:
    """Return the spelling that browsers make of ``url``: lower-case host, no default port.

    Raises:
        ConfigError: ``egress-refused``: it has user information, a fragment, dot segments (encoded
            or not), or characters or a host that parsers read in different ways.
    """
    found = _URL.fullmatch(url) if isinstance(url, str) and len(url) <= URL_CHARS else None
    if found is None:
        expected = "https://host/path?query of ASCII without spaces, user or fragment"
        raise _refused(url, expected, repr(url)[:200], "Quote what is special in it.")
    scheme, host = found[1].lower(), found[2].lower()
    path, query = found[4] or "/", (found[5] or "").replace("'", "%27")
    port = int(found[3]) if found[3] else _DEFAULT_PORTS[scheme]
    if not _is_plain_host(host) or not 0 < port < 2**16:
        raise _refused(url, "a host's name or IPv4 address", f"{host}:{port}", "Correct it.")
    if any(_is_dots(segment) for segment in _SEPARATOR.split(path)):
        raise _refused(url, "a path without . and .. in it", path, "Write the path itself.")
    shown = "" if port == _DEFAULT_PORTS[scheme] else f":{port}"
    return f"{scheme}://{host}{shown}{path}{query}"


def _is_plain_host(host: str) -> bool:
    labels = host.split(".")
    if "" in labels or len(host) > 253:
        return False
    # Parsers take a host whose last label is a number as an IPv4 address, some in octal.
    if not _NUMERIC.fullmatch(labels[-1]):
        return True
    return len(labels) == 4 and all(_OCTET.fullmatch(each) and int(each) < 256 for each in labels)


def _is_dots(segment: str) -> bool:
    # Some servers cut a parameter off before they look for dots.
    name = re.sub("%2e", ".", segment, flags=re.IGNORECASE)
    return re.split(";|%3b", name, maxsplit=1, flags=re.IGNORECASE)[0] in (".", "..")


def _checked_headers(headers: Mapping[str, str]) -> dict[str, str]:
    if not isinstance(headers, Mapping):
        raise _invalid("headers", "a dict of text by name", type(headers).__name__)
    checked: dict[str, str] = {}
    for name, value in headers.items():
        if not isinstance(name, str) or not _HEADER_NAME.fullmatch(name):
            raise _invalid("headers", "names of ASCII letters, digits and -", repr(name)[:100])
        lower = name.lower()
        if lower in _BROWSERS_OWN or lower.startswith(_BROWSERS_PREFIXES):
            raise _invalid("headers", f"no {name}, which only browsers set", name)
        if not isinstance(value, str) or not _HEADER_VALUE.fullmatch(value) or lower in checked:
            raise _invalid(f"headers, {name}", "one value of printable ASCII", repr(value)[:100])
        checked[lower] = value
    size = sum(len(name) + len(value) for name, value in checked.items())
    if len(checked) > HEADERS or size > HEADER_CHARS:
        expected = f"at most {HEADERS} of {HEADER_CHARS} characters"
        raise _invalid("headers", expected, f"{len(checked)} of {size}")
    return checked


def _checked_body(method: str, body: bytes | str | None) -> bytes | None:
    if body is None:
        return None
    if method in ("GET", "HEAD"):
        raise _invalid("body", f"none with {method}", "one")
    if not isinstance(body, (bytes, bytearray, memoryview, str)):
        raise _invalid("body", "bytes or text", type(body).__name__)
    data = body.encode() if isinstance(body, str) else bytes(body)
    if len(data) > SENT_BYTES:
        raise _invalid("body", f"at most {SENT_BYTES} bytes", str(len(data)))
    return data


def _refused(url: object, expected: str, got: str, advice: str) -> ConfigError:
    text = f"ctx.fetch: expected {expected}, got {got}. {advice}"
    return ConfigError("egress-refused", text, {"url": str(url)[:URL_CHARS]})


def _invalid(what: str, expected: str, got: str) -> ConfigError:
    text = f"ctx.fetch {what}: expected {expected}, got {got}. Correct the call."
    return ConfigError("argument-invalid", text)

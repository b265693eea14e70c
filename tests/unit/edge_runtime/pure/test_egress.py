"""What of a task's requests may leave the device."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from edge_runtime.errors import ConfigError
from edge_runtime.pure.egress import (
    HEADERS,
    SENT_BYTES,
    URL_CHARS,
    Request,
    allowed_url,
    checked_request,
    normalised_url,
)
from hypothesis import given
from hypothesis import strategies as st

EGRESS = ["https://api.test/v1/", "http://127.0.0.1:8080/"]
# Pieces that parsers are known to read in different ways, among harmless ones.
PIECES = st.sampled_from(
    "https http : / // @ . .. ; ? # \\ % %2e %2F %5c %00 0 1 127.0.0.1 0x7f api.test API.test v1 "
    "é ſ ① 。 [::1] xn--a ' \" < | ^ ` { ~ :443 :80 :65536 \t \n \x00 a b".split(" ")
)


def refusal(url: Any, egress: list[str] = EGRESS) -> ConfigError:
    with pytest.raises(ConfigError) as refused:
        allowed_url(egress, url)
    assert refused.value.code == "egress-refused"
    return refused.value


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("https://api.test/v1/", "https://api.test/v1/"),
        ("HTTPS://Api.TEST:443/v1/a%20b?q='x'", "https://api.test/v1/a%20b?q=%27x%27"),
        ("https://api.test/v1/.../a;b?/../", "https://api.test/v1/.../a;b?/../"),
        ("http://127.0.0.1:8080/x", "http://127.0.0.1:8080/x"),
    ],
)
def test_what_a_prefix_covers_is_sent_in_one_spelling(url: str, sent: str) -> None:
    assert allowed_url(EGRESS, url) == sent


@pytest.mark.parametrize(
    "url",
    [
        "https://api.test/v2/",
        "https://api.test/v1",
        "http://api.test/v1/",
        "https://api.test:444/v1/",
        "https://api.test.evil.test/v1/",
        "https://evil.test/https://api.test/v1/",
        "http://127.0.0.1/",
    ],
)
def test_what_no_prefix_covers_is_refused_in_words(url: str) -> None:
    error = refusal(url)

    assert "https://api.test/v1/, http://127.0.0.1:8080/" in error.message
    assert "Add its prefix to egress in task.toml" in error.message
    assert error.details == {"url": url}


def test_a_task_without_egress_fetches_nothing() -> None:
    assert "(none)" in refusal("https://api.test/v1/", []).message


@pytest.mark.parametrize(
    "url",
    [
        "https://user@api.test/v1/",
        "https://api.test:pw@evil.test/v1/",
        "https://api.test\\@evil.test/v1/",
        "https:/\\api.test/v1/",
        "https:api.test/v1/",
        "//api.test/v1/",
        "/v1/",
        "https://api.test/v1/../admin",
        "https://api.test/v1/..",
        "https://api.test/v1/%2e%2E/admin",
        "https://api.test/v1/.%2e/admin",
        "https://api.test/v1/./a",
        "https://api.test/v1/..\\admin",
        "https://api.test/v1/..%2fadmin",
        "https://api.test/v1/a%5C..%5cadmin",
        "https://api.test/v1/..;x=1/admin",
        "https://api.test/v1/..%3bx/admin",
        "https://api.test/v1/\t../admin",
        "https://api.test/v1/a b",
        "https://api.test/v1/a\n",
        "\thttps://api.test/v1/",
        "https://api.test/v1/#fragment",
        "https://api.test/v1/%zz",
        "https://api.test/v1/é",
        "https://ａpi.test/v1/",
        "https://apı.test/v1/",
        "https://api。test/v1/",
        "https://api.test./v1/",
        "https://api.test:/v1/",
        "https://api.test:0/v1/",
        "https://api.test:99999/v1/",
        "http://127.1:8080/",
        "http://0177.0.0.1:8080/",
        "http://0x7f000001:8080/",
        "http://2130706433:8080/",
        "http://127.0.0.01:8080/",
        "http://127.0.0.256:8080/",
        "http://[::1]:8080/",
        "file:///etc/passwd",
        "data:,x",
        f"https://api.test/v1/{'a' * URL_CHARS}",
        b"https://api.test/v1/",
        None,
    ],
)
def test_what_can_be_read_in_two_ways_is_refused(url: Any) -> None:
    with pytest.raises(ConfigError) as refused:
        normalised_url(url)

    assert refused.value.code == "egress-refused" and "expected" in refused.value.message


@given(st.lists(PIECES, max_size=12).map("".join), st.booleans())
def test_what_is_sent_lies_below_its_prefix_for_other_parsers_too(tail: str, bare: bool) -> None:
    url = f"https:{tail}" if bare else f"https://api.test/v1/{tail}"
    try:
        sent = allowed_url(EGRESS, url)
    except ConfigError:
        return
    parts = urlsplit(sent)
    assert (parts.scheme, parts.netloc, parts.fragment) == ("https", "api.test", "")
    assert parts.path.startswith("/v1/") and not {".", ".."} & set(parts.path.split("/"))
    assert normalised_url(sent) == sent


def test_a_request_is_what_was_given_with_names_in_lower_case() -> None:
    given = checked_request(EGRESS, "https://api.test/v1/", "POST", {"X-Shop": "a, b"}, "é")

    assert given == Request("https://api.test/v1/", "POST", {"x-shop": "a, b"}, "é".encode())


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"method": "TRACE"}, "method: expected one of GET"),
        ({"method": "get"}, "got 'get'"),
        ({"headers": {"Cookie": "a=1"}}, "expected no Cookie, which only browsers set"),
        ({"headers": {"Sec-Fetch-Site": "none"}}, "no Sec-Fetch-Site"),
        ({"headers": {"proxy-authorization": "x"}}, "no proxy-authorization"),
        ({"headers": {"Host": "evil.test"}}, "no Host"),
        ({"headers": {"X-HTTP-Method-Override": "DELETE"}}, "no X-HTTP-Method-Override"),
        ({"headers": [("a", "x")]}, "a dict of text by name, got list"),
        ({"headers": {"a b": "x"}}, "names of ASCII"),
        ({"headers": {"a": "x\r\ncookie: y"}}, "printable ASCII"),
        ({"headers": {"a": " x"}}, "printable ASCII"),
        ({"headers": {"a": 5}}, "printable ASCII"),
        ({"headers": {"a": "1", "A": "2"}}, "one value"),
        ({"headers": {f"a{i}": "x" for i in range(HEADERS + 1)}}, f"at most {HEADERS}"),
        ({"headers": {"a": "x" * 9_000}}, "of 8192 characters"),
        ({"body": b"x"}, "none with GET"),
        ({"method": "POST", "body": {"a": 1}}, "bytes or text, got dict"),
        ({"method": "POST", "body": b"x" * (SENT_BYTES + 1)}, f"at most {SENT_BYTES} bytes"),
    ],
)
def test_other_requests_are_refused_in_words(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        checked_request(EGRESS, "https://api.test/v1/", **given)

    assert refused.value.code == "argument-invalid" and said in refused.value.message

"""The URL that was checked is the URL that JavaScript sends."""

import json
import random
import subprocess
from collections.abc import Iterator

from edge_runtime.errors import ConfigError
from edge_runtime.pure.egress import normalised_url

PARSED = """
const urls = JSON.parse(require("fs").readFileSync(0, "utf8"));
const href = (url) => (URL.canParse(url) ? new URL(url).href : null);
process.stdout.write(JSON.stringify(urls.map(href)));
"""
STARTS = ("https://", "http://", "HTTPS://", "https:", "")
HOSTS = ("api.test", "API.Test", "127.0.0.1", "1.2.3.4.5", "a_b.c", "xn--mnchen-3ya.de", "a--b.c")
ASCII = [chr(code) for code in range(128)]
ODD = ["%2e", "%2F", "..", "//", ":443", ":80", ":0081", "é", "ſ", "K", "。"]
PIECES = [*ASCII, *"/.:%?&=;'", *ODD]


def urls() -> Iterator[str]:
    """Yield every character in every place, and 20,000 mixtures."""
    for piece in PIECES:
        yield f"https://a{piece}b.test/"
        yield f"https://api.test/a{piece}b"
        yield f"https://api.test/a?b{piece}c"
        yield f"https://api.test/{piece}"
    dice = random.Random(7)
    for _ in range(20_000):
        tail = "".join(dice.choice(PIECES) for _ in range(dice.randrange(6)))
        host = dice.choice(HOSTS)
        if dice.random() < 0.3:
            at = dice.randrange(len(host))
            host = host[:at] + dice.choice(PIECES) + host[at:]
        yield f"{dice.choice(STARTS)}{host}{dice.choice(('', '/', '/v1/', '?'))}{tail}"


def test_javascript_reads_what_is_accepted_as_it_was_checked() -> None:
    accepted = {}
    for url in urls():
        try:
            accepted[url] = normalised_url(url)
        except ConfigError:
            continue
    both = [*accepted, *accepted.values()]
    node = ["node", "-e", PARSED]
    done = subprocess.run(node, input=json.dumps(both), capture_output=True, text=True, check=True)
    parsed = json.loads(done.stdout)

    assert len(accepted) > 2_000, len(accepted)
    # One that JavaScript takes for no URL is not sent at all.
    wrong = [
        (url, expected, got)
        for url, expected, got in zip(both, [*accepted.values()] * 2, parsed, strict=True)
        if got not in (expected, None)
    ]
    assert not wrong, wrong[:5]
    unread = [url for url, got in zip(both, parsed, strict=True) if got is None]
    assert all("xn--" in url.lower() for url in unread), unread[:5]

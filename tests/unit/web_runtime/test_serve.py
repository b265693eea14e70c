"""The server a site is tried on: types, variants, caching, ranges, policies."""

from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from web_runtime.serve import BackgroundServer, create_app

SCRIPT = b"console.log(1);" * 40


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    site, runtime = tmp_path / "site", tmp_path / "runtime"
    site.mkdir()
    runtime.mkdir()
    (tmp_path / "secret.txt").write_text("secret")
    (site / "index.html").write_text("<h1>shop</h1>")
    for name in ("a.mjs", "a.wasm", "a.onnx", "a.edge", "a.bin", "a.woff2"):
        (site / name).write_bytes(b"0123456789")
    for name in ("edge.js", "worker.0a1b2c3d.js", "vm-worker.0a1b2c3d.js"):
        (runtime / name).write_bytes(SCRIPT)
        (runtime / f"{name}.br").write_bytes(b"brotli")
        (runtime / f"{name}.gz").write_bytes(b"gzip variant")
    return site, runtime


class Answer:
    """A response as it went over the wire: nothing decoded, nothing followed."""

    def __init__(self, connection: HTTPConnection) -> None:
        response = connection.getresponse()
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()


class Client:
    """Sends paths as they are, without resolving dots."""

    def __init__(self, url: str) -> None:
        self.netloc = urlsplit(url).netloc

    def get(self, path: str, method: str = "GET", **headers: str) -> Answer:
        connection = HTTPConnection(self.netloc, timeout=20)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, path, headers={"accept-encoding": "identity", **named})
            return Answer(connection)
        finally:
            connection.close()


@pytest.fixture
def client(folders: tuple[Path, Path]) -> Iterator[Client]:
    with BackgroundServer(create_app(*folders)) as server:
        yield Client(server.url)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/a.mjs", "text/javascript; charset=utf-8"),
        ("/a.wasm", "application/wasm"),
        ("/a.onnx", "application/octet-stream"),
        ("/a.edge", "application/octet-stream"),
        ("/a.bin", "application/octet-stream"),
        ("/a.woff2", "font/woff2"),
        ("/edge/edge.js", "text/javascript; charset=utf-8"),
    ],
)
def test_each_kind_of_file_has_its_type(client: Client, path: str, kind: str) -> None:
    response = client.get(path)

    assert response.status == 200
    assert response.headers["content-type"] == kind


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate, br", "br"),
        ("gzip", "gzip"),
        ("br;q=0, gzip;q=0.5", "gzip"),
        ("identity", None),
    ],
)
def test_who_accepts_a_variant_gets_it(client: Client, accepted: str, encoding: str | None) -> None:
    response = client.get("/edge/edge.js", accept_encoding=accepted)

    assert response.headers.get("content-encoding") == encoding
    assert response.body == {"br": b"brotli", "gzip": b"gzip variant", None: SCRIPT}[encoding]
    assert response.headers["vary"].lower() == "accept-encoding"


def test_hashed_names_are_kept_for_ever_and_others_are_asked_for_again(client: Client) -> None:
    hashed = client.get("/edge/worker.0a1b2c3d.js")
    stable = client.get("/edge/edge.js")

    assert "immutable" in hashed.headers["cache-control"]
    assert stable.headers["cache-control"] == "no-cache"
    known = client.get("/edge/edge.js", if_none_match=stable.headers["etag"])
    assert (known.status, known.body) == (304, b"")


def test_digits_in_a_sites_own_names_are_no_digest(
    folders: tuple[Path, Path], client: Client
) -> None:
    (folders[0] / "banner-20260101.js").write_bytes(SCRIPT)

    assert client.get("/banner-20260101.js").headers["cache-control"] == "no-cache"


def test_variants_have_different_tags(client: Client) -> None:
    plain = client.get("/edge/edge.js", method="HEAD")
    brotli = client.get("/edge/edge.js", method="HEAD", accept_encoding="br")

    assert plain.headers["etag"] != brotli.headers["etag"]


def test_a_range_is_answered_from_the_plain_file(client: Client) -> None:
    response = client.get("/edge/edge.js", range="bytes=2-5", accept_encoding="br")

    assert (response.status, response.body) == (206, SCRIPT[2:6])
    assert response.headers["content-range"] == f"bytes 2-5/{len(SCRIPT)}"


def test_a_range_beyond_the_end_is_refused(client: Client) -> None:
    assert client.get("/a.bin", range="bytes=50-60").status == 416


@pytest.mark.parametrize(
    ("csp", "wasm"), [("strict", "'self' 'wasm-unsafe-eval'"), ("none-wasm", "'self'")]
)
def test_every_response_carries_the_policy(folders: tuple[Path, Path], csp: str, wasm: str) -> None:
    with BackgroundServer(create_app(*folders, csp=csp)) as server:
        answers = [
            Client(server.url).get(path) for path in ("/", "/edge/worker.0a1b2c3d.js", "/nothing")
        ]

    for answer in answers:
        assert f"script-src {wasm};" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("csp", ["strict", "off"])
def test_the_script_of_vms_has_its_own_policy(folders: tuple[Path, Path], csp: str) -> None:
    with BackgroundServer(create_app(*folders, csp=csp)) as server:
        response = Client(server.url).get("/edge/vm-worker.0a1b2c3d.js", accept_encoding="br")

    policy = response.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; ")
    assert "'unsafe-eval'" not in policy
    assert response.headers["x-content-type-options"] == "nosniff"


def test_the_policy_can_be_left_out(folders: tuple[Path, Path]) -> None:
    with BackgroundServer(create_app(*folders, csp="off")) as server:
        response = Client(server.url).get("/")

    assert "content-security-policy" not in response.headers
    assert response.headers["x-content-type-options"] == "nosniff"


def test_isolation_is_sent_when_asked_for(folders: tuple[Path, Path], client: Client) -> None:
    with BackgroundServer(create_app(*folders, isolated=True)) as server:
        isolated = Client(server.url).get("/edge/edge.js").headers
    shared = client.get("/edge/edge.js").headers

    assert isolated["cross-origin-opener-policy"] == "same-origin"
    assert isolated["cross-origin-embedder-policy"] == "require-corp"
    assert "cross-origin-embedder-policy" not in shared
    assert shared["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize(
    "path",
    ["/../secret.txt", "/%2e%2e/secret.txt", "/edge/..%2f..%2fsecret.txt", "/..%5csecret.txt"],
)
def test_no_path_leads_out_of_the_folder(client: Client, path: str) -> None:
    assert client.get(path).status == 404


def test_a_link_does_not_lead_out_of_the_folder(folders: tuple[Path, Path], client: Client) -> None:
    (folders[0] / "link.txt").symlink_to(folders[0].parent / "secret.txt")

    assert client.get("/link.txt").status == 404

"""The whole matrix of URLs: what could be read in two ways is refused, encoded forms included."""

from __future__ import annotations

import pytest

from turnkeep_domain.credentials.targets import PathMatch, Target
from turnkeep_domain.credentials.urls import parsed

V1 = Target.of("api.example.com", "/v1", methods=("GET",))
EXACT = Target.of("api.example.com", "/v1/me", methods=("GET",), match=PathMatch.EXACT)
SLASHED = Target.of("api.example.com", "/v1/", methods=("GET",))
EVERYTHING = Target.of("api.example.com", methods=("GET", "POST"))
PORT = Target.of("api.example.com", port=8_443, methods=("GET",))
PLAIN = Target.of("api.example.com", scheme="http", methods=("GET",))
V6 = Target.of("[2001:db8::1]", methods=("GET",))


def allows(target: Target, text: str, method: str = "GET") -> bool:
    url = parsed(text)
    return url is not None and target.allows(url, method)


@pytest.mark.parametrize(
    ("target", "url"),
    [
        (V1, "https://api.example.com/v1"),
        (V1, "https://api.example.com/v1/"),
        (V1, "https://api.example.com/v1/a/b"),
        (V1, "https://api.example.com/v1?next=/etc/../x"),
        (V1, "https://api.example.com:443/v1/a"),
        (V1, "HTTPS://API.Example.COM/v1/a"),
        (V1, "https://api.example.com/v1/a%20b"),
        (V1, "https://api.example.com/v1/%7Euser"),
        (V1, "https://api.example.com/v1/a;b=1"),
        (V1, "https://api.example.com/v1//a"),
        (V1, "https://api.example.com/v1/..."),
        (V1, "https://api.example.com/v1/.well-known"),
        (V1, "https://api.example.com/v1/a..b"),
        (V1, "https://api.example.com/v1/x?a=%2e%2e%2f"),
        (EXACT, "https://api.example.com/v1/me"),
        (EXACT, "https://api.example.com/v1/me?x=1"),
        (SLASHED, "https://api.example.com/v1/"),
        (SLASHED, "https://api.example.com/v1/a"),
        (EVERYTHING, "https://api.example.com"),
        (EVERYTHING, "https://api.example.com/"),
        (EVERYTHING, "https://api.example.com?x=1"),
        (EVERYTHING, "https://api.example.com/any/thing"),
        (PORT, "https://api.example.com:8443/x"),
        (PLAIN, "http://api.example.com/x"),
        (PLAIN, "http://api.example.com:80/x"),
        (V6, "https://[2001:db8::1]/x"),
        (V6, "https://[2001:DB8::1]:443/x"),
    ],
)
def test_a_url_within_its_target_is_allowed(target: Target, url: str) -> None:
    """42."""
    assert allows(target, url)


@pytest.mark.parametrize(
    "url",
    [
        # Another scheme, host, port or path.
        "http://api.example.com/v1",
        "ftp://api.example.com/v1",
        "https://example.com/v1",
        "https://api.example.com.evil.example/v1",
        "https://evil-api.example.com/v1",
        "https://api.example.com./v1",
        "https://api.example.com:8443/v1",
        "https://api.example.com:80/v1",
        "https://api.example.com/",
        "https://api.example.com/v10",
        "https://api.example.com/V1",
        "https://api.example.com/v1.evil",
        "https://api.example.com/%76%31",
        "https://api.example.com/v1%2f",
        # Not absolute, or not plain.
        "",
        "/v1",
        "//api.example.com/v1",
        "api.example.com/v1",
        "https:/api.example.com/v1",
        "https:api.example.com/v1",
        "https:///v1",
        "https:////api.example.com/v1",
        " https://api.example.com/v1",
        "https://api.example.com/v1 ",
        "https://api.example.com/v1/a b",
        "https://api.example.com/v1\n",
        "https://api.example.com/v1\t/a",
        "https://api.exam\tple.com/v1",
        "https://api.example.com/v1\r\nHost: evil",
        "https://api.example.com/v1/\x00",
        "https://api.example.com/v1/\x7f",
        "https://api.example.com/v1/ä",
        "https://api.exämple.com/v1",
        "https://api.example.com/v1/" + "a" * 2_048,
        # User information, fragments, backslashes.
        "https://user@api.example.com/v1",
        "https://user:pass@api.example.com/v1",
        "https://api.example.com@evil.example/v1",
        "https://api.example.com:443@evil.example/v1",
        "https://evil.example\\@api.example.com/v1",
        "https://api.example.com\\.evil.example/v1",
        "https://api.example.com/v1#top",
        "https://api.example.com/v1?x#top",
        "https://api.example.com/v1?x\\y",
        "https://api.example.com#@evil.example/v1",
        "https:\\\\api.example.com/v1",
        # Steps and escapes.
        "https://api.example.com/v1/.",
        "https://api.example.com/v1/..",
        "https://api.example.com/v1/../admin",
        "https://api.example.com/v1/./a",
        "https://api.example.com/x/../v1",
        "https://api.example.com/v1/%2e",
        "https://api.example.com/v1/%2E%2E",
        "https://api.example.com/v1/%2e%2e/admin",
        "https://api.example.com/v1/.%2e/admin",
        "https://api.example.com/v1/%2e./admin",
        "https://api.example.com/v1/..;/admin",
        "https://api.example.com/v1/.;x/admin",
        "https://api.example.com/v1/%2e%2e;x/admin",
        "https://api.example.com/v1/..%3b/admin",
        "https://api.example.com/v1/a%2fb",
        "https://api.example.com/v1/a%2Fb",
        "https://api.example.com/v1/a%5cb",
        "https://api.example.com/v1/a%255cb",
        "https://api.example.com/v1/%252e%252e",
        "https://api.example.com/v1/a%25",
        "https://api.example.com/v1/a%",
        "https://api.example.com/v1/a%2",
        "https://api.example.com/v1/a%zz",
        "https://api.example.com/v1/a%00b",
        "https://api.example.com/v1/a%0ab",
        # Ports that are none.
        "https://api.example.com:/v1",
        "https://api.example.com:0/v1",
        "https://api.example.com:0443/v1",
        "https://api.example.com:+443/v1",
        "https://api.example.com:443:443/v1",
        "https://api.example.com:65536/v1",
        "https://api.example.com:99999/v1",
        "https://api.example.com:4 43/v1",
        "https://:443/v1",
        "https://[api.example.com]/v1",
        "https://[::1/v1",
        "https://::1]/v1",
        "https://api..example.com/v1",
        "https://.api.example.com/v1",
        "https://api.example.com%2f/v1",
        "https://api%2eexample.com/v1",
    ],
)
def test_any_other_url_is_refused(url: str) -> None:
    """42."""
    assert not allows(V1, url)


@pytest.mark.parametrize(
    ("target", "url", "method"),
    [
        (V1, "https://api.example.com/v1", "POST"),
        (V1, "https://api.example.com/v1", "get"),
        (EXACT, "https://api.example.com/v1/me/", "GET"),
        (EXACT, "https://api.example.com/v1/me/x", "GET"),
        (EXACT, "https://api.example.com/v1/m", "GET"),
        (SLASHED, "https://api.example.com/v1", "GET"),
        (PORT, "https://api.example.com/x", "GET"),
        (PLAIN, "http://api.example.com:443/x", "GET"),
        (V6, "https://[2001:db8::2]/x", "GET"),
    ],
)
def test_what_a_target_does_not_name_is_refused(target: Target, url: str, method: str) -> None:
    """42."""
    assert not allows(target, url, method)


def test_a_url_of_2048_bytes_is_the_longest() -> None:
    head = "https://api.example.com/v1/"
    assert allows(V1, head + "a" * (2_048 - len(head)))
    assert not allows(V1, head + "a" * (2_049 - len(head)))


@pytest.mark.parametrize("thing", [None, 5, b"https://api.example.com/v1", ["x"]])
def test_what_is_no_text_is_no_url(thing: object) -> None:
    assert parsed(thing) is None

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from sessions_app.channels import NO_UTM, Rules, Utm, classify, page_path, referrer_host
from sessions_app.ingest import flush
from sessions_app.models import Channel, DeadLetter, SessionEvent, VisitorSession
from tests.browsers import CHROME

RULES = Rules(
    hosts={"news.example": Channel.SOCIAL, "mail.news.example": Channel.EMAIL, "google.com": Channel.PAID},
    sources={"acme": Channel.REFERRAL, "facebook": Channel.PAID},
    mediums={"influencer": Channel.SOCIAL, "email": Channel.CAMPAIGN},
)


def channel(referrer: str = "", **utm: str) -> Channel:
    return classify(referrer_host=referrer_host(referrer), utm=Utm(**utm))


def ruled(referrer: str = "", **utm: str) -> Channel:
    return classify(referrer_host=referrer_host(referrer), utm=Utm(**utm), rules=RULES)


def test_nothing_said_is_direct() -> None:
    assert channel() == Channel.DIRECT


@pytest.mark.parametrize(
    ("referrer", "expected"),
    [
        ("https://www.google.com/", Channel.ORGANIC_SEARCH),
        ("https://google.co.uk/url?q=x", Channel.ORGANIC_SEARCH),
        ("https://www.google.com.vn/", Channel.ORGANIC_SEARCH),
        ("https://r.duckduckgo.com/l/", Channel.ORGANIC_SEARCH),
        ("https://fr.search.yahoo.com/", Channel.ORGANIC_SEARCH),
        ("android-app://com.google.android.googlequicksearchbox/", Channel.ORGANIC_SEARCH),
        ("https://l.facebook.com/l.php", Channel.SOCIAL),
        ("https://t.co/abc", Channel.SOCIAL),
        ("https://mail.google.com/mail/u/0", Channel.EMAIL),
        ("https://docs.google.com/document", Channel.REFERRAL),
        ("https://notfacebook.com/", Channel.REFERRAL),
        ("https://google.evil.example/", Channel.REFERRAL),
        ("https://blog.example/post", Channel.REFERRAL),
    ],
)
def test_a_referrer_without_utm_decides(referrer: str, expected: Channel) -> None:
    assert channel(referrer) == expected


@pytest.mark.parametrize(
    ("utm", "expected"),
    [
        ({"medium": "cpc", "source": "google"}, Channel.PAID),
        ({"medium": "PPC"}, Channel.PAID),
        ({"medium": "paid_social", "source": "facebook"}, Channel.PAID),
        ({"medium": "display"}, Channel.PAID),
        ({"medium": "email"}, Channel.EMAIL),
        ({"medium": "e-mail"}, Channel.EMAIL),
        ({"source": "newsletter", "campaign": "may"}, Channel.EMAIL),
        ({"medium": "social"}, Channel.SOCIAL),
        ({"source": "instagram"}, Channel.SOCIAL),
        ({"source": "facebook.com", "medium": "post"}, Channel.SOCIAL),
        ({"source": "google"}, Channel.ORGANIC_SEARCH),
        ({"medium": "organic"}, Channel.ORGANIC_SEARCH),
        ({"medium": "referral", "source": "partner"}, Channel.REFERRAL),
        ({"campaign": "summer"}, Channel.CAMPAIGN),
        ({"source": "flyer", "medium": "qr"}, Channel.CAMPAIGN),
    ],
)
def test_utm_decides(utm: dict[str, str], expected: Channel) -> None:
    assert channel(**utm) == expected


def test_utm_goes_before_the_referrer() -> None:
    assert channel("https://www.google.com/", medium="email") == Channel.EMAIL


def test_utm_is_read_from_a_query() -> None:
    utm = Utm.from_query("?a=1&utm_source=news%20letter&UTM_Medium=email&utm_campaign=May&utm_term=t&utm_content=c")

    assert utm == Utm("news letter", "email", "May", "t", "c")


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("https://shop.example/a?utm_source=x#utm_source=y", "x"),
        ("/a?utm_source=x", "x"),
        ("?utm_source=x", "x"),
        ("/a", ""),
        ("", ""),
        ("http://[bad?utm_source=x", ""),
    ],
)
def test_utm_is_read_from_an_address(address: str, source: str) -> None:
    assert Utm.from_address(address).source == source


def test_the_names_of_utm_parameters_may_be_in_upper_case() -> None:
    assert Utm.from_query("UTM_SOURCE=News").source == "News"


def test_the_first_of_a_repeated_parameter_counts() -> None:
    assert Utm.from_query("utm_source=a&utm_source=b").source == "a"


def test_values_are_cut_and_hold_no_null_bytes() -> None:
    assert Utm.from_query("utm_source=" + "%00" + "x" * 300).source == "x" * 255


@pytest.mark.parametrize("bad", ["%00", "%1B", "%0A", "%C2%85", "\ud800", "\0"])
def test_values_hold_nothing_that_cannot_be_stored(bad: str) -> None:
    assert Utm.from_query(f"utm_source=a{bad}b").source == "ab"


def test_a_click_number_of_an_advertiser_is_paid() -> None:
    utm = Utm.from_query("gclid=abc")

    assert utm == Utm(source="google", medium="cpc")
    assert classify(referrer_host="google.com", utm=utm) == Channel.PAID


def test_a_click_number_does_not_overrule_utm() -> None:
    assert Utm.from_query("gclid=abc&utm_source=x") == Utm(source="x")


@pytest.mark.parametrize("query", ["", "?", "q=utm", "fbclid=1", "utm_=x", "utm_source="])
def test_a_query_without_utm_has_none(query: str) -> None:
    assert Utm.from_query(query) == NO_UTM


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://WWW.Example.com:8443/path?q", "example.com"),
        ("http://[2001:db8::1]/", "2001:db8::1"),
        ("", ""),
        ("-", ""),
        ("about:blank", ""),
        ("javascript:alert(1)", ""),
        ("http://[bad", ""),
        ("http://a b/", ""),
        ("https://example.com./", "example.com"),
        ("https://xn--mnchen-3ya.de/", "xn--mnchen-3ya.de"),
        ("http://" + "a" * 65_536, "a" * 255),
        ("http://\ud800.example/", ""),
        ("http://a\0b.example/", ""),
    ],
)
def test_host_of_a_referrer(url: str, host: str) -> None:
    assert referrer_host(url) == host


@pytest.mark.parametrize(
    ("page", "path"),
    [
        ("/a/b", "/a/b"),
        ("/a?email=x#y", "/a"),
        ("https://shop.example/a?email=x", "/a"),
        ("https://shop.example?email=x", "/"),
        ("https://user:password@shop.example/a", "/a"),
        ("?email=x", ""),
        ("", ""),
        ("/#/cart?email=x", "/#/cart"),
        ("/#!/cart", "/#!/cart"),
        ("#/cart", "/#/cart"),
        ("/a#section", "/a"),
        ("Cart", "Cart"),
        ("ourshop://cart?email=x", "ourshop://cart"),
        ("ourshop://cart/lines?email=x", "ourshop://cart/lines"),
        ("http://[bad/a?email=x", "http://[bad/a"),
        ("/account/ada@example.com/orders", "/account/.../orders"),
        ("/account/ada%40example.com", "/account/..."),
        ("/#/account/ada@example.com", "/#/account/..."),
        ("ourshop://account/ada@example.com", "ourshop://account/..."),
        ("http://[bad/ada@example.com", "http://[bad/..."),
        ("/@shop/a.b", "/@shop/a.b"),
    ],
)
def test_of_a_page_the_path_is_kept_and_the_route_of_a_single_page_shop(page: str, path: str) -> None:
    assert page_path(page) == path


def test_no_e_mail_address_is_kept_of_a_link() -> None:
    """Campaigns stand in numbers that are kept for ever."""
    assert Utm.from_query("utm_campaign=ada%40example.com&utm_source=a@b").campaign == "..."
    assert Utm.from_query("utm_campaign=ada%2540example.com&utm_source=a@b") == Utm(source="a@b", campaign="...")


@given(st.text(max_size=200))
def test_no_page_breaks_it_and_no_query_stays(page: str) -> None:
    assert "?" not in page_path(page)


@given(st.text(max_size=200), st.text(max_size=200))
def test_no_text_breaks_it(url: str, query: str) -> None:
    host = referrer_host(f"http://{url}")
    utm = Utm.from_query(f"utm_source={query}")

    assert len(host) <= 255
    assert classify(referrer_host=host, utm=utm) in Channel


@pytest.mark.parametrize(
    ("referrer", "expected"),
    [
        ("https://news.example/a", Channel.SOCIAL),
        ("https://www.news.example/a", Channel.SOCIAL),
        ("https://m.news.example/", Channel.SOCIAL),
        ("https://mail.news.example/", Channel.EMAIL),
        ("https://eu.mail.news.example/", Channel.EMAIL),
        ("https://fakenews.example/", Channel.REFERRAL),
        ("https://news.example.evil.example/", Channel.REFERRAL),
        ("https://www.google.com/search", Channel.PAID),
        ("https://mail.google.com/", Channel.PAID),
        ("https://t.co/x", Channel.SOCIAL),
        ("", Channel.DIRECT),
    ],
)
def test_a_rule_for_a_host_goes_before_the_sets_for_it_and_its_subdomains(referrer: str, expected: Channel) -> None:
    assert ruled(referrer) == expected


@pytest.mark.parametrize(
    ("utm", "expected"),
    [
        ({"source": "ACME", "medium": "cpc"}, Channel.REFERRAL),
        ({"source": "Facebook"}, Channel.PAID),
        ({"medium": "Influencer"}, Channel.SOCIAL),
        ({"medium": "email", "source": "list"}, Channel.CAMPAIGN),
        ({"medium": "influencer", "source": "acme"}, Channel.SOCIAL),
        ({"source": "m.news.example", "medium": "post"}, Channel.SOCIAL),
        ({"source": "m.news.example", "medium": "cpc"}, Channel.PAID),
        ({"source": "acme2"}, Channel.CAMPAIGN),
        ({"medium": "social"}, Channel.SOCIAL),
    ],
)
def test_a_rule_for_a_parameter_goes_before_the_sets_and_medium_before_source(
    utm: dict[str, str], expected: Channel
) -> None:
    assert ruled(**utm) == expected


def test_a_rule_for_a_host_does_not_overrule_utm() -> None:
    assert ruled("https://news.example/", source="newsletter") == Channel.EMAIL


@pytest.mark.django_db
@pytest.mark.parametrize("way", ["header", "event"])
@pytest.mark.parametrize(
    "referrer",
    [
        "http://[bad",
        "http://a\0b.example/",
        "http://\ud800.example/",
        "https://blog.example/\x1b[31m",
        b"https://blog.example/\xff\xfe".decode("latin-1"),
        "https://blog.example/" + "x" * 65_536,
        "https://" + "a." * 32_768,
        "x" * 65_536,
    ],
    ids=range(8),
)
def test_a_visit_with_an_absurd_referrer_is_stored_with_its_events(referrer: str, way: str) -> None:
    browser = Client(headers={"user-agent": CHROME} | ({"referer": referrer} if way == "header" else {}))
    event = {"eventType": "page_view", "page": "/a"} | ({"referrer": referrer} if way == "event" else {})
    good = {"eventType": "page_view", "page": "/b"}

    answer = browser.post("/api/v1/analytics/track", {"events": [event, good]}, content_type="application/json")
    flush(consumer="test")

    assert answer.status_code == 202
    assert not DeadLetter.objects.exists()
    assert SessionEvent.objects.filter(page="/b").count() == 1
    assert "\0" not in VisitorSession.objects.get().referrer


@pytest.mark.django_db
@pytest.mark.parametrize("page", ["http://[bad", "https://shop.example:port/", "//[", "?utm_source=\x1b"])
def test_a_visit_with_an_absurd_page_is_stored_with_its_events(page: str) -> None:
    browser = Client(headers={"user-agent": CHROME})

    answer = browser.post(
        "/api/v1/analytics/track", {"eventType": "page_view", "page": page}, content_type="application/json"
    )
    flush(consumer="test")

    assert answer.status_code == 202
    assert SessionEvent.objects.count() == 1

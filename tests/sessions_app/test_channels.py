import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions_app.channels import NO_UTM, Utm, classify, referrer_host
from sessions_app.models import Channel

OWN = "shop.example"


def channel(referrer: str = "", **utm: str) -> Channel:
    return classify(referrer_host=referrer_host(referrer), own_host=OWN, utm=Utm(**utm))


def test_nothing_said_is_direct() -> None:
    assert channel() == Channel.DIRECT


@pytest.mark.parametrize("referrer", ["https://shop.example/cart", "https://www.shop.example/", "http://SHOP.example"])
def test_coming_from_the_shop_itself_is_direct(referrer: str) -> None:
    assert channel(referrer) == Channel.DIRECT


def test_own_host_may_be_given_with_www() -> None:
    assert classify(referrer_host="shop.example", own_host="www.Shop.example", utm=NO_UTM) == Channel.DIRECT


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


def test_the_first_of_a_repeated_parameter_counts() -> None:
    assert Utm.from_query("utm_source=a&utm_source=b").source == "a"


def test_values_are_cut_and_hold_no_null_bytes() -> None:
    assert Utm.from_query("utm_source=" + "%00" + "x" * 300).source == "x" * 255


def test_a_click_number_of_an_advertiser_is_paid() -> None:
    utm = Utm.from_query("gclid=abc")

    assert utm == Utm(source="google", medium="cpc")
    assert classify(referrer_host="google.com", own_host=OWN, utm=utm) == Channel.PAID


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
    ],
)
def test_host_of_a_referrer(url: str, host: str) -> None:
    assert referrer_host(url) == host


@given(st.text(max_size=200), st.text(max_size=200))
def test_no_text_breaks_it(url: str, query: str) -> None:
    host = referrer_host(f"http://{url}")
    utm = Utm.from_query(f"utm_source={query}")

    assert len(host) <= 255
    assert classify(referrer_host=host, own_host=OWN, utm=utm) in Channel

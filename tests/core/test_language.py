"""What the API says to people follows `Accept-Language`; what it says to programs does not."""

import re
from ast import literal_eval
from collections.abc import Callable, Iterator
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po
from django.conf import settings
from django.utils import translation
from django.utils.translation.template import templatize

from tests.factories import CouponFactory, ProductFactory, ShippingMethodFactory, TaxRateFactory
from tests.world import ADDRESS, API, Shopper

VIETNAMESE = Path(settings.BASE_DIR, "locale", "vi", "LC_MESSAGES", "django.po")
MARKS = DEFAULT_KEYWORDS | {"gettext_lazy": None, "ngettext_lazy": (1, 2), "pgettext_lazy": ((1, "c"), 2)}
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%[sd]|\{\w*\}")


@pytest.fixture(autouse=True)
def language_kept() -> Iterator[None]:
    """A request leaves its language behind in the thread; the next test shall not find it."""
    with translation.override("en"):
        yield


def unknown_order(shopper: Shopper) -> Any:
    return shopper.get(f"/orders/{uuid4()}")


def unknown_path(shopper: Shopper) -> Any:
    return shopper.get("/nothing/here")


def no_cart(shopper: Shopper) -> Any:
    return shopper.post("/checkout/initiate", {})


def unknown_coupon(shopper: Shopper) -> Any:
    return shopper.apply(shopper.checkout((ProductFactory(), 1)), "NO-SUCH-CODE")


def damaged_event(shopper: Shopper) -> Any:
    return shopper.client.post(f"{API}/analytics/track", data="{", content_type="text/plain")


REFUSALS = [
    (unknown_order, 404, "NOT_FOUND", "There is no such order.", "Không tìm thấy đơn hàng này."),
    (unknown_path, 404, "NOT_FOUND", "There is no such thing.", "Không tìm thấy nội dung bạn yêu cầu."),
    (no_cart, 400, "INVALID_INPUT", "Some of what was sent cannot be used.", "Một số thông tin đã gửi không hợp lệ."),
    (unknown_coupon, 409, "COUPON_INVALID", "This coupon code is not valid.", "Mã giảm giá này không hợp lệ."),
    (damaged_event, 400, "MALFORMED_JSON", "This is not JSON.", "Dữ liệu này không phải là JSON."),
]
refusals = pytest.mark.parametrize(
    ("ask", "status", "code", "english", "vietnamese"), REFUSALS, ids=[refusal[0].__name__ for refusal in REFUSALS]
)


def said(answer: Any) -> tuple[int, str, str]:
    body = answer.json()
    return answer.status_code, body["error"], body["message"]


@pytest.mark.django_db
@refusals
def test_vietnamese_is_spoken_to_who_asks_for_it_under_the_same_code(
    ask: Callable[[Shopper], Any], status: int, code: str, english: str, vietnamese: str
) -> None:
    assert said(ask(Shopper(**{"accept-language": "vi"}))) == (status, code, vietnamese)


@pytest.mark.django_db
@refusals
def test_english_is_spoken_to_who_asks_for_nothing(
    ask: Callable[[Shopper], Any], status: int, code: str, english: str, vietnamese: str
) -> None:
    assert said(ask(Shopper())) == (status, code, english)


@pytest.mark.django_db
@pytest.mark.parametrize("wish", ["de", "tlh", "*", "", "no language, at all;q=x"])
def test_a_language_that_the_shop_does_not_speak_falls_back_to_english(wish: str) -> None:
    assert said(unknown_order(Shopper(**{"accept-language": wish})))[2] == "There is no such order."


@pytest.mark.django_db
@pytest.mark.parametrize("wish", ["vi-VN", "VI", "de, vi;q=0.8, en;q=0.5"])
def test_the_best_language_that_the_shop_speaks_is_chosen(wish: str) -> None:
    assert said(unknown_order(Shopper(**{"accept-language": wish})))[2] == "Không tìm thấy đơn hàng này."


@pytest.mark.django_db
def test_the_language_of_one_request_is_not_that_of_the_next() -> None:
    unknown_order(Shopper(**{"accept-language": "vi"}))
    assert said(unknown_order(Shopper()))[2] == "There is no such order."


@pytest.mark.django_db
def test_caches_are_told_that_the_answer_depends_on_the_language() -> None:
    assert "Accept-Language" in unknown_order(Shopper())["Vary"]


@pytest.mark.django_db
def test_placeholders_are_filled_in_vietnamese_too() -> None:
    shopper = Shopper(**{"accept-language": "vi"})
    coupon = CouponFactory(minimum_subtotal=Decimal("50.00"))
    status, code, message = said(shopper.apply(shopper.checkout((ProductFactory(), 1)), coupon.code))
    assert (status, code) == (409, "COUPON_MINIMUM_NOT_MET")
    assert re.fullmatch(r"Mã giảm giá này áp dụng cho đơn hàng từ \S*50\S*(\s£)? trở lên\.", message), message


@pytest.mark.django_db
def test_what_is_wrong_with_a_field_is_said_in_vietnamese() -> None:
    TaxRateFactory()
    ShippingMethodFactory(zone__countries=["GB"])
    shopper = Shopper(**{"accept-language": "vi"})
    body = {"checkoutId": shopper.checkout((ProductFactory(), 1)), "shippingAddress": ADDRESS | {"country": "FR"}}
    answer = shopper.post("/checkout/calculate-shipping", body)
    assert answer.json()["details"] == {
        "shippingAddress.country": ["Chúng tôi chưa giao hàng đến quốc gia này."],
    }


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    """The Vietnamese messages as people edit them."""
    with VIETNAMESE.open("rb") as po:
        return read_po(po, ignore_obsolete=False, abort_invalid=True)


def texts(catalog: Catalog) -> dict[Any, Any]:
    """Translations by what they translate, without the header."""
    return {plain(message.id): plain(message.string) for message in catalog if message.id}


def plain(text: Any) -> Any:
    """A text, or the forms of one for one thing and for many; a language without plural has one form."""
    if isinstance(text, str):
        return text
    forms = tuple(text)
    return forms if len(forms) > 1 else forms[0]


def marked() -> set[Any]:
    """What our own code marks for translation."""
    packages = [folder.parent for folder in Path(settings.BASE_DIR).glob("*/__init__.py")]
    return {
        message
        for package in packages
        if package.name != "tests"
        for _file, _line, message, _comments, _context in extract_from_dir(
            package, method_map=[("**.py", "python")], keywords=MARKS
        )
    }


def marked_in_templates() -> set[Any]:
    """What our templates mark."""
    return {
        literal_eval(text)
        for page in Path(settings.BASE_DIR, "templates").rglob("*.html")
        for text, _quote in re.findall(r"""(?:gettext|\b_)\(u?((['"]).*?\2)\)""", templatize(page.read_text()))
    }


def test_the_catalog_has_what_the_code_marks_and_nothing_else(catalog: Catalog) -> None:
    assert set(texts(catalog)) == marked() | marked_in_templates(), (
        f"run the commands at the top of {VIETNAMESE.name}, and translate"
    )
    assert not catalog.obsolete


def test_every_message_is_translated(catalog: Catalog) -> None:
    assert [message for message, translated in texts(catalog).items() if not translated] == []


def test_no_translation_is_a_guess(catalog: Catalog) -> None:
    assert [message.id for message in catalog if message.fuzzy] == []
    assert not catalog.fuzzy


def test_translations_keep_the_placeholders(catalog: Catalog) -> None:
    for message, translated in texts(catalog).items():
        of_many = message if isinstance(message, str) else message[-1]
        assert sorted(PLACEHOLDER.findall(translated)) == sorted(PLACEHOLDER.findall(of_many)), message


def test_the_catalog_says_its_language_and_that_it_has_no_plurals(catalog: Catalog) -> None:
    headers = dict(catalog.mime_headers)
    assert (headers["Language"], headers["Plural-Forms"]) == ("vi", "nplurals=1; plural=0;")


def test_the_compiled_catalog_is_that_of_the_texts(catalog: Catalog) -> None:
    compiled = BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    with VIETNAMESE.with_suffix(".mo").open("rb") as mo:
        assert texts(read_mo(mo)) == texts(read_mo(compiled)), "run compilemessages"

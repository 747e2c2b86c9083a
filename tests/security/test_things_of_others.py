"""What is shown beside an address: keys, cursors, tokens and visits of somebody else."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from core.pages import encode_cursor
from orders.models import Order
from sessions_app import tokens
from sessions_app.tokens import SESSION_COOKIE, VISITOR_COOKIE
from tests.billing_server import BillingService
from tests.browsers import CHROME
from tests.security.things import BUYER, KEY, PLACE, Owner
from tests.world import Shopper, World, cart

pytestmark = pytest.mark.django_db
OTHERS: dict[str, Any] = {
    "email": "mallory@example.com",
    "firstName": "Mallory",
    "lastName": "M",
    "phone": "1",
    "shippingAddress": PLACE | {"line1": "2 Low Road"},
    "billingAddress": PLACE | {"line1": "2 Low Road"},
}


@pytest.fixture
def owner(world: World, billing: BillingService) -> Owner:
    return Owner(world)


def repeated(owner: Owner, asker: Shopper, **other: Any) -> Any:
    """What the owner sent when confirming, sent by somebody who does not know all of it."""
    body = {"checkoutId": owner.ordered, "shippingMethodId": str(owner.world.method.pk)} | BUYER
    return asker.post("/checkout/confirm-order", body | other, **{"Idempotency-Key": KEY})


@pytest.mark.parametrize("field", OTHERS)
def test_somebody_elses_key_opens_nothing_to_who_does_not_know_the_whole_request(field: str, owner: Owner) -> None:
    answer = repeated(owner, Shopper(), **{field: OTHERS[field]})
    assert (answer.status_code, answer.json()["error"]) == (404, "NOT_FOUND")
    assert owner.things().marks_in(answer.content.decode()) == set()


def test_somebody_elses_key_is_free_for_ones_own_order(owner: Owner, world: World) -> None:
    mallory = Shopper()
    answer = mallory.confirm(mallory.checkout((world.mug, 1)), world, KEY)
    assert (answer.status_code, answer.headers.get("Idempotent-Replayed")) == (201, None)
    assert answer.json()["data"]["order"]["orderId"] != str(owner.placed.pk)


def test_the_control_who_knows_the_whole_request_is_answered_again(owner: Owner) -> None:
    """As decided (docs/decisions/0010): a shop without sessions repeats what got lost."""
    answer = repeated(owner, Shopper())
    assert (answer.status_code, answer.headers["Idempotent-Replayed"]) == (201, "true")


def test_a_cursor_of_somebody_elses_list_leads_through_ones_own(owner: Owner, world: World) -> None:
    mallory = Shopper()
    first = mallory.order(world)
    cursor = encode_cursor([owner.placed.placed_at.isoformat(), str(owner.placed.pk)])
    later = encode_cursor(["2999-01-01T00:00:00+00:00", str(owner.placed.pk)])
    listed = [mallory.get(f"/orders?cursor={each}").json()["data"]["items"] for each in (cursor, later)]
    assert [[order["number"] for order in page] for page in listed] == [[], [first.number]]


@pytest.mark.parametrize("altered", ["lower", "prefix", "longer", "empty", "of another order"])
def test_an_altered_token_opens_no_order(altered: str, owner: Owner, world: World) -> None:
    token = owner.token
    tokens_ = {
        "lower": token.swapcase(),
        "prefix": token[:-1],
        "longer": f"{token}=",
        "empty": "",
        "of another order": Shopper().buy(world)["orderToken"],
    }
    path = f"/orders/{owner.placed.pk}"
    assert Shopper().get(path, **{"x-order-token": tokens_[altered]}).status_code == 404
    assert Shopper().get(path, **{"x-order-token": token}).status_code == 200


def with_visit(*, header: str = "", cookie: str = "") -> Shopper:
    """A browser that shows these tokens of a visit."""
    asker = Shopper()
    asker.client = Client(headers={"user-agent": CHROME} | ({"x-visitor-session": header} if header else {}))
    if cookie:
        asker.client.cookies[SESSION_COOKIE] = cookie
    return asker


def forgeries(owner: Owner) -> dict[str, str]:
    """What somebody can make of the owner's ids, who has not the owner's token."""
    visit = owner.visit()
    identifier = visit["sessionId"]
    return {
        "the id": identifier,
        "hex": identifier.replace("-", ""),
        "signed by nobody": identifier.replace("-", "") + ":" + visit["token"].rpartition(":")[2][::-1],
        "signed for something else": owner.client.cookies[VISITOR_COOKIE].value,
        "of another visit": Shopper().visit()["token"].rpartition(":")[2].join([identifier.replace("-", "") + ":", ""]),
    }


@pytest.mark.parametrize("place", ["header", "cookie"])
def test_a_forged_visit_is_none_and_shows_nothing(place: str, owner: Owner) -> None:
    for how, forged in forgeries(owner).items():
        asker = with_visit(**{place: forged})
        assert asker.get("/orders").json()["data"]["items"] == [], how
        assert asker.get(f"/checkout/{owner.checkout_id}").status_code == 404, how
        assert asker.visit()["sessionId"] != owner.visit()["sessionId"], how


def test_of_two_visits_the_header_counts_and_a_forged_one_gives_none(owner: Owner) -> None:
    own = Shopper().visit()
    both = with_visit(header=own["token"], cookie=owner.visit()["token"])
    assert both.visit()["sessionId"] == own["sessionId"]
    assert both.get(f"/checkout/{owner.checkout_id}").status_code == 404
    forged = with_visit(header=f"{own['token']}x", cookie=owner.visit()["token"])
    assert forged.get(f"/checkout/{owner.checkout_id}").status_code == 404


def test_a_visit_that_was_ended_opens_nothing_though_copies_are_kept(owner: Owner) -> None:
    token = owner.visit()["token"]
    thief = with_visit(header=token)
    assert thief.get(f"/checkout/{owner.checkout_id}").status_code == 200
    owner.post("/storefront/auth/logout")
    for path in (f"/checkout/{owner.checkout_id}", f"/orders/{owner.placed.pk}"):
        assert with_visit(header=token).get(path).status_code == 404
    assert with_visit(header=token).get("/orders").json()["data"]["items"] == []


def test_the_control_a_visit_that_nobody_signs_would_be_taken_over(
    owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "_unsign", lambda token, *_rest: UUID(token.partition(":")[0]))
    asker = with_visit(header=forgeries(owner)["signed by nobody"])
    assert asker.get(f"/checkout/{owner.checkout_id}").status_code == 200


def test_a_stranger_who_is_told_of_missing_stock_is_not_told_whose_order_holds_it(owner: Owner, world: World) -> None:
    body = {"cartItems": cart([(world.mug, 999)])}
    answer = Shopper().post("/checkout/initiate", body)
    assert (answer.status_code, answer.json()["error"]) == (409, "OUT_OF_STOCK")
    assert "pendingOrder" not in answer.json()["details"]
    assert Order.objects.count() == 1

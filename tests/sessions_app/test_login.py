"""What logging in and out does to a visit."""

from datetime import UTC, datetime, timedelta

import pytest

from sessions_app import ingest, services
from sessions_app.models import SessionEvent, VisitorSession
from sessions_app.services import Arrival
from sessions_app.state import SessionState
from tests.browsers import CHROME
from tests.factories import CustomerFactory

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime.now(UTC)
LATER = NOW + timedelta(minutes=1)


def begin() -> SessionState:
    arrival = Arrival(ip="203.0.113.9", user_agent=CHROME, referrer="https://news.example/", landing_page="/")
    return services.open_session(services.begin(arrival=arrival, now=NOW), events=[], now=NOW)


def test_login_makes_the_visit_the_customers() -> None:
    customer = CustomerFactory()
    session = begin()
    services.log_in(session, customer_id=customer.id, now=LATER)
    ingest.flush(consumer="test")
    seen = services.see(session.session_id, now=LATER)
    row = VisitorSession.objects.get()
    assert seen is not None
    assert (seen.type, seen.customer_id) == ("customer", customer.id)
    assert (row.type, row.customer_id) == ("customer", customer.id)
    assert SessionEvent.objects.get().event_type == "customer_login"


def test_the_same_customer_again_changes_nothing() -> None:
    customer = CustomerFactory()
    session = services.log_in(begin(), customer_id=customer.id, now=LATER)
    assert services.log_in(session, customer_id=customer.id, now=LATER) == session
    ingest.flush(consumer="test")
    assert SessionEvent.objects.count() == 1


def test_another_customer_gets_a_visit_of_their_own() -> None:
    first, second = CustomerFactory(), CustomerFactory()
    session = services.log_in(begin(), customer_id=first.id, now=NOW)
    other = services.log_in(session, customer_id=second.id, now=LATER)
    ingest.flush(consumer="test")
    assert services.see(session.session_id, now=LATER) is None
    rows = VisitorSession.objects.order_by("started_at")
    assert [row.customer_id for row in rows] == [first.id, second.id]
    assert [row.channel for row in rows] == ["referral", "direct"]
    assert rows[0].visitor_id == rows[1].visitor_id == other.visitor_id


def test_logout_ends_the_visit() -> None:
    session = services.log_in(begin(), customer_id=CustomerFactory().id, now=NOW)
    services.log_out(session, now=LATER)
    assert services.see(session.session_id, now=LATER) is None
    assert VisitorSession.objects.get().customer_id == session.customer_id

"""What a customer asks of staff: to be given what is held of them, or to be erased. On the customer's page."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse

from core.admin import AnswersPeople, NobodyError, action, ask
from core.personal_data import Subject
from customers.models import Customer, erased_email
from customers.selectors import STAFF_STAY, is_of_staff, subject_of

GONE = "Nothing is held: this customer was erased already, or is not there."


class AnswersCustomers(AnswersPeople):
    """Customers, with buttons for those who answer them."""

    answers = "customer"
    permission_to_answer = "customers.erase_customer"

    def subject_of(self, key: UUID) -> Subject:
        customer = Customer.objects.select_related("user").filter(pk=key).exclude(email=erased_email(key)).first()
        if customer is None:
            raise NobodyError(GONE)
        return subject_of(customer)

    def check_may_go(self, subject: Subject) -> None:
        if is_of_staff(subject):
            raise NobodyError(STAFF_STAY)

    def husk(self, key: UUID) -> Customer:
        """What is left, or would be if orders needed it."""
        return Customer(pk=key, email=erased_email(key))

    @action(
        description="Erase the customer",
        icon="person_remove",
        permissions=["answer"],
        dialog=ask(
            "Erase this customer for good?",
            "The account, addresses, visits, carts, mails and consents. Orders that were paid keep what an invoice "
            "needs; orders that wait for money are cancelled, and those that were not shipped lose their address.",
            "Erase",
        ),
    )
    def erase(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        return self.erase_for_good(request, object_id)

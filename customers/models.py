"""Who logs in (`User`), who buys (`Customer`), and where to."""

from typing import Any, ClassVar
from uuid import UUID

from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.contrib.postgres.indexes import OpClass
from django.db import models
from django.db.models.functions import Lower, Now
from django.utils.crypto import salted_hmac

from core.ids import new_id
from core.money import ZERO, MoneyField
from customers.emails import WithEmail, normal_email
from customers.models_second import RecoveryCode, SecondFactor
from customers.models_tokens import SCOPES, ApiToken

__all__ = [
    "SCOPES",
    "Address",
    "ApiToken",
    "Customer",
    "CustomerGroup",
    "EmailChange",
    "RecoveryCode",
    "Registration",
    "SecondFactor",
    "User",
    "erased_email",
]


class UserQuerySet(WithEmail["User"]):
    """Reads of accounts."""


class UserManager(BaseUserManager["User"]):
    """Accounts by e-mail."""

    def get_queryset(self) -> UserQuerySet:
        return UserQuerySet(self.model, using=self._db)

    def with_email(self, address: str) -> UserQuerySet:
        """The account of an address, in any case."""
        return self.get_queryset().with_email(address)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.with_email(normal_email(username or "")).get()

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A new account. Without a password nobody can log in with it."""
        user = self.model(email=normal_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """An account that may do everything, for `manage.py createsuperuser`."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractUser):
    """An account: e-mail and password, no user name."""

    username = None  # type: ignore[assignment] # Django's own way to do without
    email = models.EmailField("e-mail", unique=True)
    second_factor_since = models.DateTimeField("second factor since", null=True, editable=False)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects = UserManager()  # type: ignore[misc,assignment] # UserManager of Django has user names

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_unique_in_any_case")]
        indexes = [models.Index(OpClass(Lower("email"), name="text_pattern_ops"), name="user_email_prefix")]

    def __str__(self) -> str:
        return self.email

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """What a session must know of the account to go on. Sessions of staff end with the password, as all do, and
        when somebody becomes or is no longer staff, or gets or loses a second factor: none was opened by less than the
        account asks for.
        """
        plain: str = super()._get_session_auth_hash(secret=secret)  # type: ignore[misc] # there, but not in the stubs
        if not (self.is_staff or self.is_superuser):
            return plain
        state = f"{plain} {self.is_staff} {self.is_superuser} {self.second_factor_since}"
        return salted_hmac("customers.staff_session", state, secret=secret, algorithm="sha256").hexdigest()


class CustomerGroup(models.Model):
    """Customers whom the shop treats alike, such as VIPs. Staff put them in; nobody can see it from outside."""

    name = models.CharField(max_length=60, unique=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class CustomerQuerySet(WithEmail["Customer"]):
    """Reads of customers."""

    def active(self) -> "CustomerQuerySet":
        """Those whom nobody has blocked."""
        return self.filter(status=Customer.Status.ACTIVE)


class Customer(models.Model):
    """Somebody who bought or registered. Totals are of paid orders, less refunds."""

    class Type(models.TextChoices):
        GUEST = "guest"
        REGISTERED = "registered"

    class Status(models.TextChoices):
        ACTIVE = "active"
        BLOCKED = "blocked"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.OneToOneField(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="customer")
    email = models.EmailField("e-mail")
    first_name = models.CharField(max_length=100, blank=True)
    last_name = models.CharField(max_length=100, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    type = models.CharField(max_length=12, choices=Type, default=Type.GUEST)
    status = models.CharField(max_length=12, choices=Status, default=Status.ACTIVE)
    group = models.ForeignKey(CustomerGroup, null=True, blank=True, on_delete=models.SET_NULL, related_name="customers")
    first_visit_at = models.DateTimeField(null=True, blank=True)
    first_order_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_order_at = models.DateTimeField(null=True, blank=True, editable=False)
    total_orders = models.PositiveIntegerField(default=0, editable=False)
    total_spent = MoneyField(default=ZERO, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = CustomerQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        permissions = [("erase_customer", "Can give out and erase what is held of a customer")]
        constraints = [models.UniqueConstraint(Lower("email"), name="customer_email_unique_in_any_case")]
        indexes = [
            models.Index(fields=["-created_at"], name="customer_newest"),
            models.Index(OpClass(Lower("email"), name="text_pattern_ops"), name="customer_email_prefix"),
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def average_order_value(self) -> Any:
        """`total_spent` over `total_orders`; 0 without orders."""
        return self.total_spent / self.total_orders if self.total_orders else ZERO


def erased_email(key: UUID) -> str:
    """What an erased customer, whose orders need one, is called by."""
    return f"{key}@erased.invalid"


class Address(models.Model):
    """A place of a customer."""

    class Kind(models.TextChoices):
        SHIPPING = "shipping"
        BILLING = "billing"

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="addresses")
    kind = models.CharField(max_length=10, choices=Kind)
    line1 = models.CharField(max_length=200)
    line2 = models.CharField(max_length=200, blank=True)
    city = models.CharField(max_length=100)
    region = models.CharField(max_length=100, blank=True)
    postal_code = models.CharField(max_length=20)
    country = models.CharField(max_length=2)
    is_default = models.BooleanField(default=False)

    class Meta:
        verbose_name_plural = "addresses"
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "kind"],
                condition=models.Q(is_default=True),
                name="one_default_address_of_a_kind",
            )
        ]

    def __str__(self) -> str:
        """For the admin's log, too: that keeps it when the row is gone, and nobody can tell any more whose it was."""
        return f"{self.kind} address {self.pk}"


class RegistrationQuerySet(WithEmail["Registration"]):
    """Reads of registrations."""


class Registration(models.Model):
    """Somebody chose a password for an address that nobody has proven yet.

    No account comes of it before the proof, so there is nothing to log in to and nothing to squat. Whoever proves the
    address shows this registration's own password: one that somebody else registered with it is of no use to anybody.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    email = models.EmailField("e-mail")
    password = models.CharField(max_length=128)
    first_name = models.CharField(max_length=100, blank=True)
    last_name = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField()

    objects = RegistrationQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(Lower("email"), name="registration_of_email"),
            models.Index(fields=["created_at"], name="registration_by_age"),
        ]

    def __str__(self) -> str:
        return f"registration {self.pk}"


class EmailChangeQuerySet(WithEmail["EmailChange"]):
    """Reads of changes of address."""


class EmailChange(models.Model):
    """The address that an account will have once it is proven. A change of the password ends it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="email_change")
    email = models.EmailField("e-mail")
    created_at = models.DateTimeField()

    objects = EmailChangeQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["created_at"], name="email_change_by_age")]

    def __str__(self) -> str:
        return f"change of address {self.pk}"

"""Visits: who came, from where, and what happened."""

from uuid import UUID

from django.db import models
from django.db.models import Case, F, Q, When
from django.db.models.functions import Lower, Now
from django.utils.translation import gettext_lazy as _

from core.ids import new_id


class Consent(models.TextChoices):
    """What the visitor said about being measured."""

    GRANTED = "granted"
    DENIED = "denied"
    UNKNOWN = "unknown"


class Device(models.TextChoices):
    """What the visitor looks at the shop with."""

    DESKTOP = "desktop"
    MOBILE = "mobile"
    TABLET = "tablet"
    BOT = "bot"
    OTHER = "other"


class Channel(models.TextChoices):
    """How a visit came about, derived from UTM parameters and referrer."""

    DIRECT = "direct"
    ORGANIC_SEARCH = "organic search"
    PAID = "paid"
    SOCIAL = "social"
    EMAIL = "e-mail"
    REFERRAL = "referral"
    CAMPAIGN = "campaign"


class VisitQuerySet(models.QuerySet["VisitorSession"]):
    """Reads of visits."""

    def erased(self) -> "VisitQuerySet":
        """Those of whom nothing is left but what counts."""
        return self.filter(erased_at__isnull=False)

    def not_erased(self) -> "VisitQuerySet":
        """Those that may still be somebody's."""
        return self.filter(erased_at=None)

    def of_browser(self, visitor_id: UUID) -> "VisitQuerySet":
        """Those of one browser that could be recognised. Without consent the id is of a day, and others may have it,
        too: no such visit keeps its network.
        """
        return self.filter(visitor_id=visitor_id).exclude(ip_prefix="")


class VisitorSession(models.Model):
    """One visit. Live state is in Redis; this row follows with the next flush.

    `page_views` is what the script counted if it counted anything, else what the API saw (a page is counted once).
    """

    class Type(models.TextChoices):
        ANONYMOUS = "anonymous"
        CUSTOMER = "customer"

    session_id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    visitor_id = models.UUIDField()
    customer = models.ForeignKey("customers.Customer", null=True, blank=True, on_delete=models.SET_NULL)
    type = models.CharField(max_length=10, choices=Type, default=Type.ANONYMOUS)
    consent = models.CharField(max_length=8, choices=Consent, default=Consent.UNKNOWN)
    ip_prefix = models.CharField(max_length=43, blank=True, help_text="IPv4 /24 or IPv6 /48; only with consent.")
    user_agent = models.CharField(max_length=512, blank=True, help_text="Only with consent.")
    device = models.CharField(max_length=8, choices=Device, default=Device.OTHER)
    browser = models.CharField(max_length=64, blank=True)
    os = models.CharField(max_length=64, blank=True)
    country = models.CharField(max_length=2, blank=True)
    city = models.CharField(max_length=100, blank=True)
    landing_page = models.CharField(max_length=2048, blank=True)
    referrer = models.CharField(max_length=2048, blank=True)
    referrer_host = models.CharField(max_length=255, blank=True)
    utm_source = models.CharField(max_length=255, blank=True)
    utm_medium = models.CharField(max_length=255, blank=True)
    utm_campaign = models.CharField(max_length=255, blank=True)
    utm_term = models.CharField(max_length=255, blank=True)
    utm_content = models.CharField(max_length=255, blank=True)
    channel = models.CharField(max_length=16, choices=Channel, default=Channel.DIRECT)
    touches = models.JSONField(
        default=list, blank=True, help_text="Each arrival of this visit: when, channel, UTM, referrer."
    )
    is_bot = models.BooleanField(default=False)
    unconfirmed = models.BooleanField(default=True, help_text="Never ran the script nor sent a successful POST.")
    script_page_views = models.PositiveIntegerField(default=0)
    api_page_views = models.PositiveIntegerField(default=0)
    page_views = models.GeneratedField(
        expression=Case(When(script_page_views__gt=0, then=F("script_page_views")), default=F("api_page_views")),
        output_field=models.PositiveIntegerField(),
        db_persist=True,
    )
    script_product_views = models.PositiveIntegerField(default=0)
    api_product_views = models.PositiveIntegerField(default=0)
    product_views = models.GeneratedField(
        expression=Case(When(script_page_views__gt=0, then=F("script_product_views")), default=F("api_product_views")),
        output_field=models.PositiveIntegerField(),
        db_persist=True,
    )
    cart_additions = models.PositiveIntegerField(default=0)
    checkouts_started = models.PositiveIntegerField(default=0)
    other_events = models.PositiveIntegerField(
        default=0, help_text="Events that are no view of a page or product, nor the script's report of time spent."
    )
    engagement_seconds = models.PositiveIntegerField(
        default=0, db_default=0, help_text="Seconds for which pages were really visible, as the script reports them."
    )
    events_count = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    order_id = models.UUIDField(null=True, blank=True, help_text="The order this visit placed; orders stand above.")
    converted = models.BooleanField(default=False)
    converted_at = models.DateTimeField(null=True, blank=True)
    erased_at = models.DateTimeField(
        "erased", null=True, blank=True, help_text="Since when it only counts: nothing is added to it any more."
    )

    objects = VisitQuerySet.as_manager()

    class Meta:
        ordering = ["-started_at"]
        permissions = [("erase_visitorsession", "Can give out and erase what is held of a visitor")]
        constraints = [
            models.CheckConstraint(condition=Q(last_seen_at__gte=F("started_at")), name="session_seen_after_start"),
            models.CheckConstraint(
                condition=Q(converted=False, converted_at=None) | Q(converted=True, converted_at__isnull=False),
                name="session_converted_has_its_time",
            ),
        ]
        indexes = [
            models.Index(fields=["-started_at"], name="session_newest"),
            models.Index(fields=["started_at"], condition=Q(ended_at=None), name="session_open"),
            models.Index(fields=["visitor_id", "-started_at"], name="session_of_visitor"),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.started_at:%Y-%m-%d %H:%M}"


class SessionEvent(models.Model):
    """One thing that happened in a visit. Append-only; `event_id` is the sender's, so the same one counts once.

    A table partitioned by the month of `timestamp` (`sessions_app.months`): its key in PostgreSQL is `event_id` with
    `timestamp`, and nothing enforces `session` but the flush, which inserts events only of sessions that it holds.
    """

    class Source(models.TextChoices):
        SCRIPT = "script"
        API = "api"
        SERVER = "server"
        IMPORT = "import"

    event_id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    session = models.ForeignKey(
        VisitorSession, on_delete=models.CASCADE, related_name="events", db_index=False, db_constraint=False
    )
    visitor_id = models.UUIDField()
    event_type = models.CharField(max_length=64)
    source = models.CharField(max_length=6, choices=Source)
    page = models.CharField(max_length=2048, blank=True)
    product_id = models.UUIDField(null=True, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    timestamp = models.DateTimeField()
    received_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-timestamp"]
        indexes = [
            models.Index(fields=["session", "timestamp"], name="event_of_session"),
            models.Index(fields=["timestamp", "event_type"], name="event_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} {self.page}".strip()


class ConsentRecord(models.Model):
    """A choice, as proof. Append-only."""

    visitor_id = models.UUIDField(null=True, blank=True, db_index=True)
    session_id = models.UUIDField(null=True, blank=True)
    choice = models.CharField(max_length=8, choices=Consent)
    policy_version = models.CharField(max_length=32)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["session_id"], name="consent_of_session")]

    def __str__(self) -> str:
        return f"{self.choice} (policy {self.policy_version})"


class VisitorSalt(models.Model):
    """The secret of one UTC day, from which ids of visitors without consent are made. Destroyed after 48 hours."""

    day = models.DateField(primary_key=True)
    salt = models.BinaryField(max_length=32)

    def __str__(self) -> str:
        return f"salt of {self.day}"


class CrawlerDay(models.Model):
    """Crawlers are counted, by the shop's day and by source, and leave nothing else."""

    day = models.DateField()
    source = models.CharField(max_length=6, choices=SessionEvent.Source)
    page_views = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["-day"]
        constraints = [models.UniqueConstraint(fields=["day", "source"], name="one_crawler_row_a_day_and_source")]

    def __str__(self) -> str:
        return f"{self.day}: {self.page_views}"


class LateDay(models.Model):
    """A day of which something came after it was counted for good, or was erased: its numbers wait to be computed
    again. Rows are only added, and taken by whoever computes: nobody waits for anybody.
    """

    day = models.DateField()

    def __str__(self) -> str:
        return str(self.day)


class AccessLog(models.Model):
    """How far a log was imported: before this place between two of its lines everything is stored.

    A log is known by its first line and by the checksum of all that lies before the place, whatever its name.
    """

    beginning = models.CharField(primary_key=True, max_length=32, help_text="Keyed digest of the first line.")
    position = models.PositiveBigIntegerField(help_text="Bytes before the place, unzipped.")
    lines = models.PositiveBigIntegerField()
    checksum = models.PositiveBigIntegerField(help_text="CRC-32 of these bytes.")
    refused = models.PositiveBigIntegerField(
        default=0,
        help_text="Lines refused before the place by an import that was stopped, and could not tell.",
    )
    crawlers = models.JSONField(default=dict, help_text="Page views of crawlers before the place, by day.")
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-updated_at"]

    def __str__(self) -> str:
        return f"{self.lines} lines"


class DeadLetter(models.Model):
    """An event that could not be stored, with the reason. Nothing answered 202 is dropped."""

    entry = models.JSONField()
    error = models.TextField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.error[:80]


class ChannelRule(models.Model):
    """What staff know better than the built-in sets of `sessions_app.channels`. Holds for visits that begin later."""

    class Kind(models.TextChoices):
        REFERRER_HOST = "referrer host", _("Referrer host, with its subdomains")
        UTM_SOURCE = "utm source", "utm_source"
        UTM_MEDIUM = "utm medium", "utm_medium"

    kind = models.CharField(max_length=13, choices=Kind, default=Kind.REFERRER_HOST)
    value = models.CharField(max_length=255)
    channel = models.CharField(max_length=16, choices=Channel)
    note = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["kind", "value"]
        constraints = [
            models.UniqueConstraint(fields=["kind", "value"], name="one_channel_rule_a_value"),
            models.CheckConstraint(condition=Q(value=Lower("value")) & ~Q(value=""), name="channel_rule_in_lower_case"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.value}: {self.channel}"

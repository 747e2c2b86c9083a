"""Visits as JSON."""

from rest_framework import serializers

from core.serializers import CamelSerializer


class SessionOut(CamelSerializer):
    """A visitor session (`GET /storefront/session/current`)."""

    session_id = serializers.UUIDField()
    visitor_id = serializers.UUIDField()
    type = serializers.ChoiceField(["ANONYMOUS", "CUSTOMER"])
    customer_id = serializers.UUIDField(allow_null=True)
    page_views = serializers.IntegerField()
    started_at = serializers.DateTimeField()
    last_seen_at = serializers.DateTimeField()
    duration_seconds = serializers.IntegerField()
    device = serializers.CharField()
    browser = serializers.CharField()
    os = serializers.CharField()
    country = serializers.CharField()
    city = serializers.CharField()
    landing_page = serializers.CharField()
    referrer = serializers.CharField()
    utm_source = serializers.CharField()
    utm_medium = serializers.CharField()
    utm_campaign = serializers.CharField()
    utm_term = serializers.CharField()
    utm_content = serializers.CharField()
    converted = serializers.BooleanField()
    order_id = serializers.UUIDField(allow_null=True)
    consent = serializers.ChoiceField(["granted", "denied", "unknown"])
    token = serializers.CharField()


class SessionAnswer(CamelSerializer):
    """`{"session": ...}`."""

    session = SessionOut()


class UtmIn(CamelSerializer):
    """UTM parameters, by themselves."""

    utm_source = serializers.CharField(max_length=255, required=False, default="", allow_blank=True)
    utm_medium = serializers.CharField(max_length=255, required=False, default="", allow_blank=True)
    utm_campaign = serializers.CharField(max_length=255, required=False, default="", allow_blank=True)
    utm_term = serializers.CharField(max_length=255, required=False, default="", allow_blank=True)
    utm_content = serializers.CharField(max_length=255, required=False, default="", allow_blank=True)


class StartSessionIn(UtmIn):
    """What an app or a server-rendered shop knows of the visitor's arrival."""

    landing_page = serializers.CharField(max_length=2048, required=False, default="", allow_blank=True)
    referrer = serializers.CharField(max_length=2048, required=False, default="", allow_blank=True)


class EventIn(CamelSerializer):
    """One event; see the limits in `sessions_app.events`."""

    event_id = serializers.UUIDField(required=False, allow_null=True)
    event_type = serializers.RegexField(r"^[a-z][a-z0-9_]{0,63}$")
    page = serializers.CharField(required=False, allow_null=True, allow_blank=True)
    referrer = serializers.CharField(required=False, allow_null=True, allow_blank=True)
    title = serializers.CharField(required=False, allow_null=True, allow_blank=True)
    utm_source = serializers.CharField(required=False, allow_null=True, allow_blank=True)
    utm_medium = serializers.CharField(required=False, allow_null=True, allow_blank=True)
    utm_campaign = serializers.CharField(required=False, allow_null=True, allow_blank=True)
    utm_term = serializers.CharField(required=False, allow_null=True, allow_blank=True)
    utm_content = serializers.CharField(required=False, allow_null=True, allow_blank=True)
    product_id = serializers.UUIDField(required=False, allow_null=True)
    metadata = serializers.DictField(required=False, allow_null=True)
    timestamp = serializers.DateTimeField(required=False, allow_null=True)


class TrackedOut(CamelSerializer):
    """What became of an event sent for this session."""

    accepted = serializers.IntegerField()


class ActiveUsersOut(CamelSerializer):
    """Sessions seen in the last 30 minutes."""

    active_users = serializers.IntegerField()
    timestamp = serializers.DateTimeField()


class ConsentIn(CamelSerializer):
    """The visitor's choice."""

    analytics = serializers.BooleanField()


class ConsentOut(CamelSerializer):
    """The choice as it stands; null while none was made."""

    analytics = serializers.BooleanField(allow_null=True)
    policy_version = serializers.CharField()


class ClearedOut(CamelSerializer):
    """The session ended."""

    cleared = serializers.BooleanField()

"""Two kinds of staff: those who look after orders, and those who keep the shop running."""

from django.contrib.auth.models import Group, Permission
from django.db import transaction

SHOP_STAFF = "Shop staff"
OPS = "Ops"

READ = ("view",)
EDIT = ("view", "add", "change")
ALL = ("view", "add", "change", "delete")

METRICS = {
    "analytics.dailymetrics": READ,
    "analytics.hourlymetrics": READ,
    "analytics.dailybreakdown": READ,
    "analytics.realtimemetrics": READ,
    "analytics.realtimehour": READ,
}
ORDERS = {
    "orders.order": READ,
    "orders.orderitem": READ,
    "orders.orderstatuschange": READ,
    "orders.ordercomment": READ,
    "orders.ordersession": READ,
    "orders.paymentattempt": READ,
    "orders.refund": READ,
    "checkout.checkoutsession": READ,
    "checkout.abandonedcheckout": READ,
    "checkout.reminderaddress": READ,
}
VISITS = {"sessions_app.visitorsession": READ, "sessions_app.sessionevent": READ}

PERMISSIONS: dict[str, dict[str, tuple[str, ...]]] = {
    SHOP_STAFF: {
        **METRICS,
        **VISITS,
        **ORDERS,
        # `add`: orders by phone. `change`: to cancel, give more time, ask billing, mail again. Fields are read-only.
        "orders.order": ("view", "add", "change", "resolve", "fulfil", "refund"),
        "orders.ordercomment": ("view", "add"),
        "orders.windowrule": ALL,
        "analytics.salesgoal": ALL,
        "analytics.annotation": ALL,
        "analytics.alert": ("view", "change"),  # to mute. Fields are read-only.
        "customers.apitoken": EDIT,
        "sessions_app.channelrule": ALL,
        "customers.customer": EDIT,
        "customers.customergroup": ALL,
        "customers.address": ALL,
        "catalog.category": ALL,
        "catalog.product": EDIT,
        "catalog.stockmovement": READ,
        "checkout.coupon": ALL,
        "checkout.couponuse": READ,
        "checkout.reminderaddress": ("view", "change"),  # to allow reminders again
        "core.mail": READ,
        "core.mailtext": ("view", "change"),
        "checkout.shippingzone": ALL,
        "checkout.shippingmethod": ALL,
        "checkout.taxrate": ALL,
    },
    OPS: {
        **METRICS,
        **VISITS,
        **ORDERS,
        "analytics.alert": ("view", "change"),
        "customers.apitoken": EDIT,
        "orders.paymentattempt": ("view", "check"),  # to ask billing about all that is open
        "sessions_app.channelrule": READ,
        "sessions_app.consentrecord": READ,
        "sessions_app.crawlerday": READ,
        "sessions_app.deadletter": READ,
        "orders.outboxevent": READ,
        "orders.webhookdelivery": ("view", "replay"),
        "orders.webhooktry": READ,
        "orders.webhookreceipt": ("view", "replay"),
        "orders.webhookendpoint": ALL,
        "checkout.idempotencykey": READ,
        "core.mail": READ,
        "django_celery_beat.periodictask": ALL,
        "django_celery_beat.crontabschedule": ALL,
        "django_celery_beat.intervalschedule": ALL,
        "django_celery_beat.clockedschedule": ALL,
        "django_celery_beat.solarschedule": ALL,
    },
}


class PermissionMissingError(LookupError):
    """A permission that a group needs is not in the database: migrate first."""


@transaction.atomic
def create_groups() -> list[Group]:
    """Creates the groups that are not there. One that is there keeps what staff made of it.

    Raises:
        PermissionMissingError: the migrations have not run.
    """
    return [create_group(name=name) for name in PERMISSIONS]


def create_group(*, name: str) -> Group:
    """The group of that name; new, with its permissions, if there is none."""
    group, is_new = Group.objects.get_or_create(name=name)
    if is_new:
        group.permissions.set(permissions_of(name))
    return group


def permissions_of(name: str) -> list[Permission]:
    """The permissions of a group.

    Raises:
        PermissionMissingError: one of them is not in the database.
    """
    wanted = {
        f"{app}.{verb}_{model}"
        for (app, model), verbs in ((label.split("."), verbs) for label, verbs in PERMISSIONS[name].items())
        for verb in verbs
    }
    known = {
        f"{permission.content_type.app_label}.{permission.codename}": permission
        for permission in Permission.objects.select_related("content_type")
    }
    if missing := wanted - known.keys():
        raise PermissionMissingError(f"{', '.join(sorted(missing))}: run `manage.py migrate` first.")
    return [known[label] for label in sorted(wanted)]

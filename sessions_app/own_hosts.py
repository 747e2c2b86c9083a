"""Whose pages bring nobody: the shop's own, and those where its shoppers pay."""

from __future__ import annotations

from django.conf import settings

from sessions_app.channels import bare, referrer_host


def is_own(host: str, own_host: str) -> bool:
    """Whether to come from a page of this host is no arrival. `own_host` is what the shop was asked as; a port in it
    does not count.
    """
    listed = map(referrer_host, settings.CORS_ALLOWED_ORIGINS)
    return host in {bare(own_host), *listed, *map(bare, settings.PAYMENT_HOSTS)}

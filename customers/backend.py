"""Who is logged in, as Django asks at each request."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend

from customers.models import User

COLUMNS = ", ".join(str(field.column) for field in User._meta.concrete_fields)
ACCOUNT = f"""
SELECT {COLUMNS},
       CASE WHEN is_staff AND NOT is_superuser THEN ARRAY(
           SELECT app_label || '.' || codename
             FROM auth_permission JOIN django_content_type AS model ON model.id = content_type_id
            WHERE auth_permission.id IN (
                      SELECT permission_id FROM customers_user_user_permissions WHERE user_id = customers_user.id)
               OR auth_permission.id IN (
                      SELECT permission_id FROM auth_group_permissions JOIN customers_user_groups USING (group_id)
                       WHERE user_id = customers_user.id)
       ) END AS granted
  FROM customers_user
 WHERE id = %s
"""  # noqa: S608 - the columns are ours
"""An account, and what it may do as one of the staff: NULL for shoppers, who may nothing, and owners, who may all."""


class Backend(ModelBackend):
    """Django's own, but what staff may do comes with the account: one statement, where the admin had three. It is
    written out, since to put it together by the ORM takes four times as long as PostgreSQL's answer to it.
    """

    def get_user(self, user_id: Any) -> User | None:
        """The account of a login, None if it may not log in (any more)."""
        accounts: Any = User.objects.raw(ACCOUNT, [user_id])
        for user in accounts:
            if user.granted is not None:
                user._perm_cache = set(user.granted)  # where Django keeps what it asked for
            return user if self.user_can_authenticate(user) else None
        return None

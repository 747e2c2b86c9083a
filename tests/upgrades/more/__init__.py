"""The migrations of an app on which nothing stands, and one more."""

from billing_sandbox import migrations

__path__ += migrations.__path__

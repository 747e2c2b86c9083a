"""The shop's worker, which looks after its children all the time: Celery counts them every 5 seconds, and a test need
not wait for that. `celery -A tests.promises.attentive`.
"""

from celery.concurrency.asynpool import AsynPool

from config.celery import app

__all__ = ["app"]

setattr(AsynPool, "timers", property(lambda pool: {pool.maintain_pool: 0.05}))  # noqa: B010 - a property, for mypy a method

"""Views whose answers are about one person."""

from __future__ import annotations

from rest_framework.views import APIView


class PersonalView(APIView):
    """Whoever asks is found by their visit. (That nobody keeps an answer is said of all data: `config.headers`.)"""

    asks_for_visit = True
    """Its trip to Redis counts the request as well (`LimitThrottle`)."""

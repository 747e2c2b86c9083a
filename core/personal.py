"""Views whose answers are about one person."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView


class PersonalView(APIView):
    """No browser and no proxy keeps its answers, refusals included: the next one to ask may be somebody else."""

    asks_for_visit = True
    """Whoever asks is found by their visit: its trip to Redis counts the request as well (`LimitThrottle`)."""

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        response["Cache-Control"] = "no-store"
        return super().finalize_response(request, response, *args, **kwargs)

"""The endpoints that are plain Django views, for speed or for simplicity, in the schema."""

from typing import Any

from core.schema import REFUSED

TEXT = {"type": "string"}
TEXT_OR_NONE = {"type": ["string", "null"]}
EVENT = {
    "type": "object",
    "required": ["eventType"],
    "properties": {
        "eventId": TEXT_OR_NONE | {"format": "uuid", "description": "The same id twice counts once."},
        "eventType": TEXT | {"pattern": "^[a-z][a-z0-9_]{0,63}$"},
        "page": TEXT_OR_NONE,
        "referrer": TEXT_OR_NONE,
        "title": TEXT_OR_NONE,
        "productId": TEXT_OR_NONE | {"format": "uuid"},
        "metadata": {"type": ["object", "null"], "description": "4 KiB and 32 levels at most."},
        "timestamp": TEXT_OR_NONE | {"format": "date-time"},
    },
}
EVENTS = {
    "type": "object",
    "required": ["events"],
    "properties": {"events": {"type": "array", "items": EVENT, "minItems": 1, "maxItems": 100}},
}
REJECTED = {
    "type": "object",
    "properties": {"index": {"type": "integer"}, "error": TEXT, "message": TEXT},
}
ACCEPTED = {
    "type": "object",
    "properties": {"accepted": {"type": "integer"}, "rejected": {"type": "array", "items": REJECTED}},
}
HEALTH = {
    "type": "object",
    "properties": {
        "status": {"enum": ["ok", "degraded"]},
        "timestamp": TEXT | {"format": "date-time"},
        "version": TEXT,
        "checks": {
            "type": "object",
            "additionalProperties": {"enum": ["ok", "failing", "unknown"]},
            "description": "For staff: database, redis, worker, beat, billing.",
        },
        "problems": {"type": "array", "items": TEXT, "description": "For staff: what is wrong."},
    },
}


def answer(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    """A JSON answer."""
    return {"description": description, "content": {"application/json": {"schema": schema}}}


EMPTY = {"type": "string", "maxLength": 0}


def allow_empty(result: dict[str, Any], **_more: Any) -> dict[str, Any]:
    """drf-spectacular's hook: where it says "one of an address and nothing", either will do. Whoever does not look at
    formats, as most checkers do not, would take nothing for both and refuse it.
    """
    for schema in result["components"]["schemas"].values():
        for field in schema.get("properties", {}).values():
            if EMPTY in field.get("oneOf", ()):
                field["anyOf"] = field.pop("oneOf")
    return result


def add_plain_views(result: dict[str, Any], **_more: Any) -> dict[str, Any]:
    """drf-spectacular's hook: adds the paths that it cannot see."""
    refusal = {"$ref": "#/components/schemas/Refusal"}
    refused = {str(status): answer(REFUSED[status], refusal) for status in (400, 413, 415, 429, 503)}
    body = {"schema": {"oneOf": [EVENT, EVENTS]}}
    result["paths"]["/api/v1/analytics/track"] = {
        "post": {
            "operationId": "Track_post",
            "description": "One event, or up to 100. One bad event never loses the good ones.",
            "tags": ["analytics"],
            "requestBody": {"required": True, "content": {"application/json": body, "text/plain": body}},
            "responses": {"202": answer("The good events are kept.", ACCEPTED), **refused},
        }
    }
    result["paths"]["/api/v1/health"] = {
        "get": {
            "operationId": "Health_get",
            "tags": ["health"],
            "responses": {"200": answer("The shop can serve.", HEALTH), "503": answer("It cannot.", HEALTH)},
        }
    }
    return result

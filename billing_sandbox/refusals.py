"""What the API refuses, each with its status and code."""


class Refusal(Exception):
    """A call that is not carried out. `details` says what is wrong, by field."""

    status = 400
    code = "INVALID_INPUT"
    message = "Some of what was sent cannot be used."

    def __init__(self, details: dict[str, list[str]] | None = None) -> None:
        super().__init__(self.message)
        self.details = details or {}

    def body(self) -> dict[str, object]:
        """The answer's JSON."""
        return {"error": self.code, "message": self.message, "details": self.details}


class InvalidInput(Refusal):
    """A field is missing or cannot be used."""


class MalformedJson(Refusal):
    code, message = "MALFORMED_JSON", "The body is not a JSON object in UTF-8."


class BodyTooLarge(Refusal):
    status, code, message = 413, "PAYLOAD_TOO_LARGE", "The body is too large."


class WrongKey(Refusal):
    status, code, message = 401, "INVALID_API_KEY", "The header x-api-key is missing or wrong."


class WrongMethod(Refusal):
    status, code, message = 405, "METHOD_NOT_ALLOWED", "This address does not take that method."


class UnknownSession(Refusal):
    status, code, message = 404, "NOT_FOUND", "There is no such pay session."


class KeyReused(Refusal):
    status, code = 422, "IDEMPOTENCY_KEY_REUSED"
    message = "This Idempotency-Key was used with another body."


class AlreadyPaid(Refusal):
    status, code, message = 409, "ALREADY_PAID", "This session has been paid and cannot be cancelled."


class NotPaid(Refusal):
    status, code, message = 409, "NOT_PAID", "Only a paid session can be refunded."


class RefundTooLarge(Refusal):
    status, code, message = (
        409,
        "REFUND_TOO_LARGE",
        "Together with earlier refunds this is more than was paid.",
    )


class OutOfOrder(Refusal):
    status, code, message = 503, "UNAVAILABLE", "The error switch of the sandbox struck. Nothing was done."

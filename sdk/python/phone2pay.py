"""Phone2Pay for Python: one file without dependencies, for Python 3.8 or newer. Copy it into your shop.

Money is in rappen everywhere: CHF 9.90 is 990. Each call answers a dict with the fields of the API, or raises a
Phone2PayError.
"""

import base64
import hashlib
import hmac
import http.client
import json
import re
import time
import urllib.parse
import urllib.request

WEBHOOK_TOLERANCE_SECONDS = 300
WEBHOOK_SECRET_BYTES_MIN = 16


class Phone2PayError(Exception):
    """A refusal of the API; with status 0 no answer at all (code "no_answer") or a webhook that proves nothing.

    Branch on `code`, never on the texts. `not_phone2pay` is an answer that some other server gave. With status 0 and a code
    of docs/errors.md the kit itself refused to send what can't be sent.
    """

    def __init__(self, status, problem):
        self.status = status
        self.code = _typed(problem.get("code"), str, "not_phone2pay")
        self.detail = _typed(problem.get("detail"), str, "HTTP status %d" % status)
        self.errors = _typed(problem.get("errors"), list, [])
        self.request_id = _typed(problem.get("requestId"), str, None)
        super().__init__("%s: %s" % (self.code, self.detail))


class Phone2Pay:
    """A client for one merchant and mode: keys `p2p_test_…` open test transactions, `p2p_live_…` real ones."""

    def __init__(self, base_url, api_key, timeout_seconds=10.0):
        """`base_url` is such as https://pay.example, without /v1. The timeout is for each step: connecting, each read."""
        self._root = base_url.rstrip("/") + "/v1"
        self._api_key = api_key
        self._timeout_seconds = timeout_seconds
        self._opener = urllib.request.build_opener(_AnyAnswer)

    def create_transaction(self, order, idempotency_key=None):
        """Opens a transaction; then send the shopper to its `payUrl`.

        `order` has amount, currency ("CHF"), description, returnUrl, and may have cancelUrl, reference, items, language,
        accessDays, renews, donation, number, metadata. With a key of the order's own a request that is sent again (a double click, or after
        `no_answer`) answers the first one's transaction.
        """
        return self._ask("POST", "/transactions", order, idempotency_key)

    def check_transaction(self, transaction_id):
        """The truth about a payment. What the shopper's browser brings back proves nothing."""
        return self._ask("GET", _path(transaction_id))

    def redeem_transaction(self, transaction_id, idempotency_key=None):
        """Consumes a paid transaction, once: deliver when it answers.

        Refusals: `transaction_already_redeemed`, `transaction_not_paid`, `transaction_cancelled`, `transaction_expired`. After
        `no_answer` ask again with the same key: it answers, too, if your first try had come through. So note yourself
        what you have delivered.
        """
        return self._ask("POST", _path(transaction_id) + "/redeem", idempotency_key=idempotency_key)

    def cancel_transaction(self, transaction_id, idempotency_key=None):
        """Cancels an unpaid transaction."""
        return self._ask("POST", _path(transaction_id) + "/cancel", idempotency_key=idempotency_key)

    def quote(self, wish):
        """What an amount would cost and last: {"amount": 990}, and "number" if it is to be on that one."""
        return self._ask("POST", "/quotes", wish)

    def _ask(self, method, path, body=None, idempotency_key=None):
        headers = {"Accept": "application/json", "Authorization": "Bearer " + _header_text(self._api_key, "api_key_invalid")}
        if idempotency_key is not None:
            headers["Idempotency-Key"] = _header_text(idempotency_key, "idempotency_key_invalid")
        data = b"" if method == "POST" else None
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = _write_json(body)
        try:
            request = urllib.request.Request(self._root + path, data=data, headers=headers, method=method)
            with self._opener.open(request, timeout=self._timeout_seconds) as response:
                status, text = response.status, response.read()
        except (OSError, http.client.HTTPException, ValueError) as cause:  # the last one of an address that is none
            problem = {"code": "no_answer", "detail": "Phone2Pay did not answer: %s." % cause}
            raise Phone2PayError(0, problem) from cause
        answer = _read_object(text)
        if not 200 <= status <= 299 or answer is None:
            raise Phone2PayError(status, answer or {})
        return answer


def verify_webhook(secret, headers, body, now=None):
    """Answers what a webhook tells, as a dict, once it is proved to come from Phone2Pay and to be fresh.

    `secret` is the endpoint's, `whsec_…`; `headers` those of the request (a WSGI environ will do, too); `body` its bytes
    as they came, before anything parsed them. Answer 2xx only when this returns: Phone2Pay sends again until then.
    Raises a Phone2PayError with status 0 and the code `webhook_malformed`, `webhook_stale`, `webhook_forged` or
    `webhook_secret_invalid`.
    """
    known = {_header_name(name): value for name, value in headers.items() if isinstance(value, str)}
    webhook_id = known.get("webhook-id", "")
    timestamp = known.get("webhook-timestamp", "")
    signatures = known.get("webhook-signature", "")
    if not webhook_id or not signatures or not re.fullmatch("[0-9]{1,12}", timestamp):
        raise _unproved("webhook_malformed", "The headers webhook-id, -timestamp and -signature aren't all there.")
    if abs((time.time() if now is None else now) - int(timestamp)) > WEBHOOK_TOLERANCE_SECONDS:
        raise _unproved("webhook_stale", "It was signed too long ago, or a clock is wrong.")
    signed = b".".join([webhook_id.encode("utf-8", "replace"), timestamp.encode("ascii"), body])
    digest = hmac.new(_key_of(secret), signed, hashlib.sha256).digest()
    expected = b"v1," + base64.b64encode(digest)
    # While a secret is being replaced there are two signatures: one that fits is enough.
    fits = [hmac.compare_digest(one.encode("utf-8", "replace"), expected) for one in signatures.split(" ")]
    if not any(fits):
        raise _unproved("webhook_forged", "No signature fits.")
    event = _read_object(body)
    if event is None:
        raise _unproved("webhook_malformed", "The body isn't a JSON object.")
    return event


class _AnyAnswer(urllib.request.HTTPErrorProcessor):
    """Takes every answer as it is. No redirect is followed: the key goes to this address and to no other."""

    def http_response(self, request, response):
        return response

    https_response = http_response


def _path(transaction_id):
    return "/transactions/" + urllib.parse.quote(transaction_id, safe="", errors="replace")


def _header_text(text, code):
    """What may stand in a header: a line end that came along with a key would end it."""
    if not re.fullmatch("[!-~]{1,255}", text):
        raise Phone2PayError(0, {"code": code, "detail": "A key is printable ASCII without blanks or line ends."})
    return text


def _write_json(body):
    try:
        return json.dumps(body, allow_nan=False).encode("ascii")
    except (TypeError, ValueError, RecursionError) as cause:
        problem = {"code": "request_malformed", "detail": "It can't be written as JSON: %s." % cause}
        raise Phone2PayError(0, problem) from cause


def _typed(value, kind, otherwise):
    return value if isinstance(value, kind) else otherwise


def _read_object(text):
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _header_name(name):
    lower = name.lower().replace("_", "-")
    return lower[5:] if lower.startswith("http-") else lower


def _key_of(secret):
    try:
        key = base64.b64decode(secret[6:], validate=True) if secret.startswith("whsec_") else b""
    except ValueError:
        key = b""
    # An empty secret, such as that of a setting which was forgotten, would prove what anyone can sign.
    if len(key) < WEBHOOK_SECRET_BYTES_MIN:
        raise _unproved("webhook_secret_invalid", "The secret of the endpoint is wanted: whsec_ and base64.")
    return key


def _unproved(code, detail):
    return Phone2PayError(0, {"code": code, "detail": detail})

"""Runs commands on the Python kit: a JSON array of them on standard input, their outcomes on standard output."""

import base64
import json
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../sdk/python"))
from phone2pay import Phone2Pay, Phone2PayError, verify_webhook  # noqa: E402


def run(command):
    given = command["arguments"]
    if command["call"] == "verifyWebhook":
        body = base64.b64decode(given["bodyBase64"])
        return verify_webhook(given["secret"], given["headers"], body, given["nowSeconds"])
    client = Phone2Pay(command["baseUrl"], command["apiKey"], command["timeoutMs"] / 1000)
    once = command.get("idempotencyKey")
    calls = {
        "createTransaction": lambda: client.create_transaction(given, once),
        "checkTransaction": lambda: client.check_transaction(given["id"]),
        "redeemTransaction": lambda: client.redeem_transaction(given["id"], once),
        "cancelTransaction": lambda: client.cancel_transaction(given["id"], once),
        "quote": lambda: client.quote(given),
    }
    return calls[command["call"]]()


def outcome(command):
    try:
        return {"answer": run(command)}
    except Phone2PayError as error:
        refusal = {name: getattr(error, name) for name in ("status", "code", "detail", "errors")}
        return {"refusal": {**refusal, "requestId": error.request_id}}


print(json.dumps([outcome(command) for command in json.load(sys.stdin)]))

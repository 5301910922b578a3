"""A whole shop in one page of Python: order, pay by phone, deliver once, hear webhooks.

    PHONE2PAY_BASE_URL=https://pay.example PHONE2PAY_API_KEY=p2p_test_… SHOP_DATA=./shop-data python3 example.py

It keeps no orders: what was ordered stands in the transaction's reference, which only this shop's key can have written.
What it keeps is what was delivered: an empty file for each transaction in SHOP_DATA.
"""

import os
import re
import secrets
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from phone2pay import Phone2Pay, Phone2PayError, verify_webhook

# The price is decided here and nowhere else: the form sends an id only.
GOODS = {
    "song": {"name": "Single « Aube »", "amount": 100},
    "album": {"name": "Album « Nuit claire »", "amount": 990},
}
BODY_BYTES_MAX = 65_536
TRANSACTION_ID = re.compile("[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
PORT = int(os.environ.get("SHOP_PORT", "8000"))
SHOP_URL = os.environ.get("SHOP_URL", "http://127.0.0.1:%d" % PORT)
DATA = os.environ["SHOP_DATA"]
client = Phone2Pay(os.environ["PHONE2PAY_BASE_URL"], os.environ["PHONE2PAY_API_KEY"])


def goods_page():
    buttons = "".join(
        '<p><button name="good" value="%s">%s, %s</button></p>'
        % (escape(good_id), escape(good["name"]), money(good["amount"]))
        for good_id, good in GOODS.items()
    )
    return 200, page("Shop", '<form method="post" action="/">%s</form>' % buttons)


def order(good_id):
    """Opens the transaction, and answers where the shopper pays."""
    good = GOODS[good_id]
    payment = client.create_transaction(
        {
            "amount": good["amount"],
            "currency": "CHF",
            "description": good["name"],
            "reference": "%s-%s" % (good_id, secrets.token_hex(8)),
            "returnUrl": SHOP_URL + "/paid",
        }
    )
    return payment["payUrl"]


def paid_page(transaction_id):
    """The shopper is back. The id in the address proves nothing: it is checked, and what is paid is delivered, once."""
    if not TRANSACTION_ID.fullmatch(transaction_id):
        return 404, page("Unknown order", "<p>There is no such order.</p>")
    try:
        payment = client.check_transaction(transaction_id)
    except Phone2PayError as error:
        if error.code != "transaction_unknown":
            raise
        return 404, page("Unknown order", "<p>There is no such order.</p>")
    good = GOODS.get((payment["reference"] or "").split("-")[0])
    if good is None or good["amount"] != payment["amount"]:
        return 404, page("Unknown order", "<p>There is no such order.</p>")
    delivered_before = 200, page("Delivered before", summary(good, payment))
    if os.path.exists(os.path.join(DATA, payment["id"])):
        return delivered_before
    try:
        # One key for one order: a redeem whose answer was lost is answered again.
        redeemed = client.redeem_transaction(payment["id"], "redeem-" + payment["id"])
    except Phone2PayError as error:
        refused = undelivered_page(error.code, good, payment)
        if refused is None:
            raise
        return 200, refused
    if not note_delivered(payment["id"]):
        return delivered_before
    # Paid, redeemed, and noted for the first time: deliver here.
    return 200, page("Thank you for your order", summary(good, redeemed))


def undelivered_page(code, good, payment):
    """Why nothing is delivered now, and what the shopper can do; None for what they can do nothing about."""
    go_on = '<p>Nothing was delivered. <a href="%s">Go on paying</a></p>' % escape(payment["payUrl"])
    order_again = '<p><a href="/">Order again</a></p>'
    if code == "transaction_not_paid":
        return page("Not paid yet", go_on)
    if code == "transaction_expired":
        return page("The time to pay has run out", go_on + order_again)
    if code == "transaction_cancelled":
        return page("Cancelled", "<p>Nothing was delivered.</p>" + order_again)
    if code == "transaction_already_redeemed":
        # Not by this page: ours would be in the notes.
        return page("Redeemed before", summary(good, payment) + "<p>If your order hasn't come, please write to us.</p>")
    if code == "idempotency_key_in_use":
        # Another tab is at it.
        link = '<p><a href="/paid?transaction=%s">Look again</a></p>' % escape(payment["id"])
        return page("One moment, please", link)
    return None


def note_delivered(transaction_id):
    """Notes that it is delivered; False when it was before. A shop with a database does that where it books the order."""
    try:
        open(os.path.join(DATA, transaction_id), "x").close()
    except FileExistsError:
        return False
    return True


def summary(good, payment):
    rows = [
        ("Order", payment["reference"]),
        ("What", good["name"]),
        ("Amount", money(payment["amount"])),
        ("Paid at", payment["paidAt"]),
        ("Transaction", payment["id"]),
    ]
    cells = "".join("<tr><th>%s</th><td>%s</td></tr>" % (escape(name), escape(value or "")) for name, value in rows)
    return "<table>%s</table><p>Please print this page: it is your receipt.</p>" % cells


def hear_webhook(headers, body):
    """204 once it is proved to come from Phone2Pay. The same event can come twice: `webhook-id` tells."""
    try:
        event = verify_webhook(os.environ.get("PHONE2PAY_WEBHOOK_SECRET", ""), headers, body)
    except Phone2PayError as error:
        print("webhook refused: %s" % error.code, flush=True)
        return 400
    # Mark the order as paid here, so that it is delivered even to a shopper who closed the page.
    print("webhook: %s" % event.get("type"), flush=True)
    return 204


def money(rappen):
    return "CHF %d.%02d" % divmod(rappen, 100)


def page(title, body):
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>%s</title></head>'
        '<body><h1>%s</h1>%s<p><a href="/">Shop</a></p></body></html>' % (escape(title), escape(title), body)
    )


class Shop(BaseHTTPRequestHandler):
    timeout = 30

    def do_GET(self):
        address = urlsplit(self.path)
        if address.path == "/":
            self.answer(*goods_page())
        elif address.path == "/paid":
            self.attempt(lambda: self.answer(*paid_page(parse_qs(address.query).get("transaction", [""])[0])))
        else:
            self.answer(404, page("Not found", ""))

    def do_POST(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if 0 <= length <= BODY_BYTES_MAX else b""
        if self.path == "/webhook":
            self.answer(hear_webhook(self.headers, body), "")
            return
        good_id = parse_qs(body.decode("utf-8", "replace")).get("good", [""])[0]
        if self.path != "/" or good_id not in GOODS:
            self.answer(404, page("Not found", ""))
            return
        self.attempt(lambda: self.redirect(order(good_id)))

    def attempt(self, serve):
        try:
            serve()
        except Phone2PayError as error:
            print(error, flush=True)
            self.answer(502, page("Please try again later", "<p>%s</p>" % escape(error.code)))

    def redirect(self, address):
        self.send_response(303)
        self.send_header("Location", address)
        self.end_headers()

    def answer(self, status, html):
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(html.encode("utf-8"))


if __name__ == "__main__":
    os.makedirs(DATA, exist_ok=True)
    print("shop at %s" % SHOP_URL, flush=True)
    ThreadingHTTPServer(("127.0.0.1", PORT), Shop).serve_forever()

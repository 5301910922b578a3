#!/usr/bin/perl
# The shop window; an order opens a transaction and sends the shopper to pay.

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Shop;

if ($ENV{REQUEST_METHOD} ne 'POST') {
    my $buttons = join '', map {
        my $label = html("$GOODS{$_}{name}, " . money($GOODS{$_}{amount}));
        qq(<p><button name="good" value="$_">$label</button></p>);
    } sort keys %GOODS;
    show(200, 'Shop', qq(<form method="post" action="index.cgi">$buttons</form>));
    exit;
}

my $id = field(read_body(), 'good');
my $good = $GOODS{$id};
if (!$good) {
    show(404, 'Not found', '');
    exit;
}
my $payment = eval {
    client()->create_transaction(
        amount => $good->{amount},
        currency => 'CHF',
        description => $good->{name},
        reference => $id . '-' . random_hex(),
        returnUrl => shop_url() . '/paid.cgi',
    );
};
if ($payment) { redirect($payment->{payUrl}) }
else { trouble($@) }

# What no one else's order has. (Not a secret: this shop trusts a reference because its own key has written it.)
sub random_hex {
    return join '', map { sprintf '%08x', int rand 2**32 } 1 .. 2;
}

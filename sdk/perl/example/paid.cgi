#!/usr/bin/perl
# The shopper is back. The id in the address proves nothing: it is checked, and what is paid is redeemed, once.

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Shop;

eval { welcome_back(field($ENV{QUERY_STRING} // '', 'transaction')); 1 } or trouble($@);

sub welcome_back {
    my $id = shift;
    my ($payment, $refusal) = attempt(sub { client()->check_transaction($id) });
    if ($refusal) {
        die $refusal if $refusal->code ne 'transaction_unknown';
        return show(404, 'Unknown order', '<p>There is no such order.</p>');
    }
    my ($good_id) = split /-/, $payment->{reference} // '';
    my $good = $GOODS{ $good_id // '' };
    return show(404, 'Unknown order', '<p>There is no such order.</p>')
        if !$good || $good->{amount} != $payment->{amount};

    my $redeemed;
    ($redeemed, $refusal) = attempt(sub { client()->redeem_transaction($id) });
    # Paid, and redeemed for the first time: deliver here.
    return show(200, 'Thank you for your order', summary($good, $redeemed)) if $redeemed;
    return show(200, 'Delivered before', summary($good, $payment)) if $refusal->code eq 'transaction_already_redeemed';
    die $refusal if $refusal->code ne 'transaction_not_paid';
    my $link = '<a href="' . html($payment->{payUrl}) . '">Go on paying</a>';
    return show(200, 'Not paid yet', "<p>Nothing was delivered. $link</p>");
}

# What a call answers, or the Phone2Pay::Error that it died with.
sub attempt {
    my $call = shift;
    my $answer = eval { $call->() };
    return ($answer, undef) if $answer;
    die $@ if !ref $@;
    return (undef, $@);
}

sub summary {
    my ($good, $payment) = @_;
    my @rows = (
        [ 'Order', $payment->{reference} ],
        [ 'What', $good->{name} ],
        [ 'Amount', money($payment->{amount}) ],
        [ 'Paid at', $payment->{paidAt} ],
        [ 'Transaction', $payment->{id} ],
    );
    my $cells = join '', map { "<tr><th>$_->[0]</th><td>" . html($_->[1]) . '</td></tr>' } @rows;
    return "<table>$cells</table><p>Please print this page: it is your receipt.</p>";
}

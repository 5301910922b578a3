#!/usr/bin/perl
# The shopper is back. The id in the address proves nothing: it is checked, and what is paid is delivered, once.

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Shop;

eval { welcome_back(field($ENV{QUERY_STRING} // '', 'transaction')); 1 } or trouble($@);

sub welcome_back {
    my $asked = shift;
    return show_unknown() if $asked !~ /\A[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\z/;
    my ($payment, $refusal) = attempt(sub { client()->check_transaction($asked) });
    if ($refusal) {
        die $refusal if $refusal->code ne 'transaction_unknown';
        return show_unknown();
    }
    my ($good_id) = split /-/, $payment->{reference} // '';
    my $good = $GOODS{ $good_id // '' };
    return show_unknown() if !$good || $good->{amount} != $payment->{amount};

    my $id = $payment->{id};
    return show(200, 'Delivered before', summary($good, $payment)) if -e note_of($id);
    # One key for one order: a redeem whose answer was lost is answered again.
    (my $redeemed, $refusal) = attempt(sub { client()->redeem_transaction($id, idempotency_key => "redeem-$id") });
    return show_undelivered($refusal, $good, $payment) if $refusal;
    return show(200, 'Delivered before', summary($good, $payment)) if !note_delivered($id);
    # Paid, redeemed, and noted for the first time: deliver here.
    return show(200, 'Thank you for your order', summary($good, $redeemed));
}

# Why nothing is delivered now, and what the shopper can do. Dies with what they can do nothing about.
sub show_undelivered {
    my ($refusal, $good, $payment) = @_;
    my $code = $refusal->code;
    my $go_on = '<p>Nothing was delivered. <a href="' . html($payment->{payUrl}) . '">Go on paying</a></p>';
    my $order_again = '<p><a href="index.cgi">Order again</a></p>';
    return show(200, 'Not paid yet', $go_on) if $code eq 'transaction_not_paid';
    return show(200, 'The time to pay has run out', $go_on . $order_again) if $code eq 'transaction_expired';
    return show(200, 'Cancelled', '<p>Nothing was delivered.</p>' . $order_again) if $code eq 'transaction_cancelled';
    # Not by this page: ours would be in the notes.
    my $advice = q(<p>If your order hasn't come, please write to us.</p>);
    return show(200, 'Redeemed before', summary($good, $payment) . $advice) if $code eq 'transaction_already_redeemed';
    # Another tab is at it.
    my $link = '<a href="paid.cgi?transaction=' . html($payment->{id}) . '">Look again</a>';
    return show(200, 'One moment, please', "<p>$link</p>") if $code eq 'idempotency_key_in_use';
    die $refusal;
}

sub show_unknown {
    return show(404, 'Unknown order', '<p>There is no such order.</p>');
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
    my $cells = join '', map { "<tr><th>$_->[0]</th><td>" . html($_->[1] // '') . '</td></tr>' } @rows;
    return "<table>$cells</table><p>Please print this page: it is your receipt.</p>";
}

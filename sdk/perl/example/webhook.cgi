#!/usr/bin/perl
# Hears what happened. 204 once it is proved to come from Phone2Pay; the same event can come twice: webhook-id tells.

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Shop;

my $event = eval { Phone2Pay::verify_webhook(setting('PHONE2PAY_WEBHOOK_SECRET'), \%ENV, read_body()) };
if ($event) {
    # Mark the order as paid here, so that it is delivered even to a shopper who closed the page.
    print STDERR "webhook: $event->{type}\n";
    print "Status: 204\r\n\r\n";
} else {
    print STDERR "webhook refused: $@\n";
    print "Status: 400\r\nContent-Type: text/plain\r\n\r\n";
}

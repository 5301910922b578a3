package Shop;

# What the pages of the example shop share. It keeps no orders: what was ordered stands in the transaction's reference. What it
# keeps is what was delivered: an empty file for each transaction in SHOP_DATA.

use strict;
use warnings;
use utf8;
use Encode qw(decode);
use Exporter qw(import);
use Fcntl qw(O_CREAT O_EXCL O_WRONLY);
use File::Path qw(make_path);
use FindBin;
use lib "$FindBin::Bin/..";
use Phone2Pay;

our @EXPORT = qw(%GOODS client setting shop_url note_of note_delivered field read_body money html show redirect trouble);
our $BODY_BYTES_MAX = 65_536;

binmode STDOUT, ':encoding(UTF-8)';

# The price is decided here and nowhere else: the form sends an id only.
our %GOODS = (
    song => { name => 'Single « Aube »', amount => 100 },
    album => { name => 'Album « Nuit claire »', amount => 990 },
);

sub client {
    return Phone2Pay->new(base_url => setting('PHONE2PAY_BASE_URL'), api_key => setting('PHONE2PAY_API_KEY'));
}

sub setting {
    my $name = shift;
    return $ENV{$name} // die "$name is not set\n";
}

# Where the shopper comes back to: a setting, because the Host header is whatever the browser says.
sub shop_url {
    return $ENV{SHOP_URL} || 'http://127.0.0.1:8000';
}

sub note_of {
    my $id = shift;
    return setting('SHOP_DATA') . "/$id";
}

# Notes that it is delivered; false when it was before. A shop with a database does that where it books the order.
sub note_delivered {
    my $note = note_of(shift);
    make_path(setting('SHOP_DATA'));
    return 1 if sysopen my $file, $note, O_CREAT | O_EXCL | O_WRONLY;
    return 0 if -e $note;
    die "SHOP_DATA can't be written: $!\n";
}

# A field of a form or of a query, as characters.
sub field {
    my ($form, $wanted) = @_;
    for my $pair (split /&/, $form) {
        my ($name, $value) = split /=/, $pair, 2;
        next if $name ne $wanted;
        $value = $value // '';
        $value =~ tr/+/ /;
        $value =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ge;
        return decode('UTF-8', $value);
    }
    return '';
}

# The body of the request, as bytes.
sub read_body {
    my $length = $ENV{CONTENT_LENGTH} || 0;
    return '' if $length !~ /\A[0-9]+\z/ || $length > $BODY_BYTES_MAX;
    binmode STDIN;
    my $body = '';
    read STDIN, $body, $length;
    return $body;
}

sub money {
    my $rappen = shift;
    return sprintf 'CHF %d.%02d', int($rappen / 100), $rappen % 100;
}

sub html {
    my $text = shift;
    my %entity = ('&' => '&amp;', '<' => '&lt;', '>' => '&gt;', '"' => '&quot;', q(') => '&#39;');
    $text =~ s/([&<>"'])/$entity{$1}/g;
    return $text;
}

# The body is HTML.
sub show {
    my ($status, $title, $body) = @_;
    $title = html($title);
    print "Status: $status\r\nContent-Type: text/html; charset=utf-8\r\nCache-Control: no-store\r\n\r\n",
        qq(<!doctype html><html lang="en"><head><meta charset="utf-8"><title>$title</title></head>),
        qq(<body><h1>$title</h1>$body<p><a href="index.cgi">Shop</a></p></body></html>);
    return;
}

sub redirect {
    my $address = shift;
    print "Status: 303\r\nLocation: $address\r\n\r\n";
    return;
}

# For what wasn't expected: a refusal is told by its code, anything else stays in the server's log.
sub trouble {
    my $error = shift;
    print STDERR "$error\n";
    my $code = ref $error && $error->isa('Phone2Pay::Error') ? $error->code : 'internal_error';
    show(502, 'Please try again later', '<p>' . html($code) . '</p>');
    return;
}

1;

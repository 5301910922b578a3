package Phone2Pay;

# Phone2Pay for Perl: one file for Perl 5.14 or newer, of core modules only; https needs IO::Socket::SSL, as it does for
# all of Perl. Copy it beside your CGI scripts.
#
# Money is in rappen everywhere: CHF 9.90 is 990. Each call answers a hash reference with the fields of the API, or dies
# with a Phone2Pay::Error. Texts go in and come out as characters, not as bytes: decode what a form sent, encode what you print.

use strict;
use warnings;
use utf8;
use Digest::SHA qw(hmac_sha256);
use Encode qw(encode_utf8);
use HTTP::Tiny;
use JSON::PP;
use MIME::Base64 qw(decode_base64 encode_base64);

our $WEBHOOK_TOLERANCE_SECONDS = 300;
our $WEBHOOK_SECRET_BYTES_MIN = 16;
our $JSON = JSON::PP->new->utf8;

# A client for one merchant and mode: keys `p2p_test_…` open test transactions, `p2p_live_…` real ones.
#   Phone2Pay->new(base_url => 'https://pay.example', api_key => $key, timeout_seconds => 10)
# base_url is without /v1. The timeout is for each step: connecting, each read.
sub new {
    my ($class, %options) = @_;
    my $root = $options{base_url};
    $root =~ s{/+\z}{};
    my $http = HTTP::Tiny->new(
        timeout => $options{timeout_seconds} || 10,
        verify_SSL => 1,
        # The key goes to this address and to no other.
        max_redirect => 0,
    );
    return bless { root => "$root/v1", api_key => $options{api_key}, http => $http }, $class;
}

# Opens a transaction; then send the shopper to its payUrl. The order has amount, currency ('CHF'), description, returnUrl,
# and may have cancelUrl, reference, items, language, accessDays, number, metadata. With an idempotency_key of the order's own a
# request that is sent again (a double click, or after no_answer) answers the first one's transaction.
sub create_transaction {
    my ($self, %order) = @_;
    my $idempotency_key = delete $order{idempotency_key};
    $order{items} = [ map { numbers($_, qw(quantity amount)) } @{ $order{items} } ] if $order{items};
    return $self->ask('POST', '/transactions', numbers(\%order, qw(amount accessDays)), $idempotency_key);
}

# The truth about a payment. What the shopper's browser brings back proves nothing.
sub check_transaction {
    my ($self, $id) = @_;
    return $self->ask('GET', path_of($id));
}

# Consumes a paid transaction, once: deliver when it answers. Codes: transaction_already_redeemed, transaction_not_paid,
# transaction_cancelled, transaction_expired. After no_answer ask again with the same idempotency_key: it answers, too, if
# your first try had come through. So note yourself what you have delivered.
sub redeem_transaction {
    my ($self, $id, %options) = @_;
    return $self->ask('POST', path_of($id) . '/redeem', undef, $options{idempotency_key});
}

# Cancels an unpaid transaction; takes an idempotency_key, too.
sub cancel_transaction {
    my ($self, $id, %options) = @_;
    return $self->ask('POST', path_of($id) . '/cancel', undef, $options{idempotency_key});
}

# What an amount would cost and last: amount => 990, and number if it is to be on that one.
sub quote {
    my ($self, %wish) = @_;
    return $self->ask('POST', '/quotes', numbers(\%wish, 'amount'));
}

# Answers what a webhook tells, as a hash reference, once it is proved to come from Phone2Pay and to be fresh:
#   Phone2Pay::verify_webhook($secret, \%ENV, $body)
# The secret is the endpoint's, `whsec_…`; \%ENV of a CGI script holds the headers, and a hash of headers will do, too; the
# body is its bytes as they came. Answer 2xx only when this returns: Phone2Pay sends again until then. Dies with status 0 and
# the code webhook_malformed, webhook_stale, webhook_forged or webhook_secret_invalid.
sub verify_webhook {
    my ($secret, $headers, $body, $now) = @_;
    my %known = map { header_name($_) => $headers->{$_} } keys %$headers;
    my ($id, $timestamp, $signatures) = map { $_ // '' } @known{qw(webhook-id webhook-timestamp webhook-signature)};
    refuse(0, webhook_malformed => q(The headers webhook-id, -timestamp and -signature aren't all there.))
        if $id eq '' || $signatures eq '' || $timestamp !~ /\A[0-9]{1,12}\z/;
    refuse(0, webhook_stale => 'It was signed too long ago, or a clock is wrong.')
        if abs(($now // time) - $timestamp) > $WEBHOOK_TOLERANCE_SECONDS;
    my $signed = "$id.$timestamp.$body";
    refuse(0, webhook_malformed => 'The body and the headers are wanted as bytes.') if !utf8::downgrade($signed, 1);
    my $expected = 'v1,' . encode_base64(hmac_sha256($signed, key_of($secret)), '');
    # While a secret is being replaced there are two signatures: one that fits is enough.
    my $fits = grep { same($_, $expected) } split / /, $signatures;
    refuse(0, webhook_forged => 'No signature fits.') if !$fits;
    return read_object($body) // refuse(0, webhook_malformed => q(The body isn't a JSON object.));
}

sub ask {
    my ($self, $method, $path, $body, $idempotency_key) = @_;
    my $api_key = header_text($self->{api_key}, 'api_key_invalid');
    my %headers = (accept => 'application/json', authorization => "Bearer $api_key");
    $headers{'idempotency-key'} = header_text($idempotency_key, 'idempotency_key_invalid') if defined $idempotency_key;
    my %request = (headers => \%headers);
    if ($method eq 'POST') {
        $request{content} = $body ? write_json($body) : '';
        $headers{'content-type'} = 'application/json' if $body;
    }
    my $response = $self->{http}->request($method, $self->{root} . $path, \%request);
    my ($status, $content) = @$response{qw(status content)};
    # HTTP::Tiny's own status for whatever kept an answer from coming; its content says what.
    refuse(0, no_answer => "Phone2Pay did not answer: $content") if $status == 599;
    my $answer = read_object($content);
    die Phone2Pay::Error->new($status, $answer // {}) if $status < 200 || $status > 299 || !$answer;
    return $answer;
}

# What may stand in a header: a line end that came along with a key would end it.
sub header_text {
    my ($text, $code) = @_;
    return $text if ($text // '') =~ /\A[!-~]{1,255}\z/;
    return refuse(0, $code => 'A key is printable ASCII without blanks or line ends.');
}

sub write_json {
    my $body = shift;
    return eval { $JSON->encode($body) } // refuse(0, request_malformed => "It can't be written as JSON: $@");
}

sub path_of {
    my $id = encode_utf8(shift);
    $id =~ s/([^A-Za-z0-9_.~-])/sprintf '%%%02X', ord $1/ge;
    return "/transactions/$id";
}

# A copy in which those fields are numbers: to JSON '990' from a form is a text.
sub numbers {
    my ($fields, @names) = @_;
    my %copy = %$fields;
    for my $name (@names) {
        $copy{$name} += 0 if defined $copy{$name} && $copy{$name} =~ /\A[0-9]+\z/;
    }
    return \%copy;
}

sub read_object {
    my $value = eval { $JSON->decode(shift) };
    return ref $value eq 'HASH' ? $value : undef;
}

sub header_name {
    my $name = lc shift;
    $name =~ tr/_/-/;
    $name =~ s/\Ahttp-//;
    return $name;
}

sub key_of {
    my $secret = shift // '';
    my $key = $secret =~ m{\Awhsec_([A-Za-z0-9+/]+={0,2})\z} ? decode_base64($1) : '';
    # An empty secret, such as that of a setting which was forgotten, would prove what anyone can sign.
    return $key if length $key >= $WEBHOOK_SECRET_BYTES_MIN;
    return refuse(0, webhook_secret_invalid => 'The secret of the endpoint is wanted: whsec_ and base64.');
}

# Whether two texts are the same, in a time that tells nothing about where they differ.
sub same {
    my ($one, $other) = @_;
    return 0 if length $one != length $other;
    my $difference = 0;
    $difference |= ord(substr $one, $_, 1) ^ ord(substr $other, $_, 1) for 0 .. length($one) - 1;
    return $difference == 0;
}

sub refuse {
    my ($status, $code, $detail) = @_;
    die Phone2Pay::Error->new($status, { code => $code, detail => $detail });
}

# A refusal of the API; with status 0 no answer at all (code no_answer) or a webhook that proves nothing. Branch on the
# code, never on the texts. not_phone2pay is an answer that some other server gave. With status 0 and a code of
# docs/errors.md the kit itself refused to send what can't be sent.
package Phone2Pay::Error;

use overload '""' => sub { $_[0]->code . ': ' . $_[0]->detail }, fallback => 1;

sub new {
    my ($class, $status, $problem) = @_;
    return bless {
        status => $status,
        code => text($problem->{code}) // 'not_phone2pay',
        detail => text($problem->{detail}) // "HTTP status $status",
        errors => ref $problem->{errors} eq 'ARRAY' ? $problem->{errors} : [],
        request_id => text($problem->{requestId}),
    }, $class;
}

sub text {
    my $value = shift;
    return ref $value ? undef : $value;
}

sub status { return $_[0]{status} }
sub code { return $_[0]{code} }
sub detail { return $_[0]{detail} }
sub errors { return $_[0]{errors} }
sub request_id { return $_[0]{request_id} }

1;

#!/usr/bin/perl
# Runs commands on the Perl kit: a JSON array of them on standard input, their outcomes on standard output.

use strict;
use warnings FATAL => 'all';
use FindBin;
use JSON::PP;
use MIME::Base64 qw(decode_base64);
use lib "$FindBin::Bin/../../../sdk/perl";
use Phone2Pay;

sub run {
    my $command = shift;
    my ($call, $given) = @$command{qw(call arguments)};
    return Phone2Pay::verify_webhook(@$given{qw(secret headers)}, decode_base64($given->{bodyBase64}), $given->{nowSeconds})
        if $call eq 'verifyWebhook';
    my $timeout = $command->{timeoutMs} / 1000;
    my $client = Phone2Pay->new(
        base_url => $command->{baseUrl}, api_key => $command->{apiKey}, timeout_seconds => $timeout,
    );
    my %once = (idempotency_key => $command->{idempotencyKey});
    return $client->create_transaction(%$given, %once) if $call eq 'createTransaction';
    return $client->check_transaction($given->{id}) if $call eq 'checkTransaction';
    return $client->redeem_transaction($given->{id}, %once) if $call eq 'redeemTransaction';
    return $client->cancel_transaction($given->{id}, %once) if $call eq 'cancelTransaction';
    return $client->quote(%$given) if $call eq 'quote';
    die "there is no call $call";
}

sub outcome {
    my $command = shift;
    my $answer = eval { run($command) };
    return { answer => $answer } if $answer;
    my $error = $@;
    die $error if !ref $error;
    return {
        refusal => {
            status => $error->status + 0, code => $error->code, detail => $error->detail,
            errors => $error->errors, requestId => $error->request_id,
        },
    };
}

my $json = JSON::PP->new->utf8;
local $/;
print $json->encode([ map { outcome($_) } @{ $json->decode(<STDIN>) } ]);

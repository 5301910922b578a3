# perl client.pl WSDL OPERATION PARAMETERS(JSON): calls it through the stub that SOAP::Lite makes of the WSDL, and prints
# the answer as JSON.
use strict;
use warnings;
use JSON::PP;
use SOAP::Lite;

my ($wsdl, $operation, $json) = @ARGV;
my %given = %{ JSON::PP->new->utf8->decode($json) };

# SOAP::Lite's stubs take parameters by place; what the WSDL says of their places it knows itself.
my $schema = SOAP::Schema->new(schema_url => $wsdl)->parse;
my @names = map { $_->name } grep { ref } @{ $schema->services->{Phone2Pay}{$operation}{parameters} };

my $service = SOAP::Lite->service($wsdl);
$service->want_som(1);
my $som = $service->$operation(map { defined $given{$_} ? $given{$_} : undef } @names);
my $answer = $som->fault
  ? { fault => $som->faultcode, code => $som->faultdetail->{Error}{code} }
  : { result => $som->result };
print JSON::PP->new->utf8->encode($answer);

<?php
// php client.php WSDL OPERATION PARAMETERS(JSON) [1.2]: calls it with PHP's own SoapClient, and prints the answer as JSON.
declare(strict_types=1);

[, $wsdl, $operation, $parameters] = $argv;
$version = ($argv[4] ?? '') === '1.2' ? SOAP_1_2 : SOAP_1_1;
try {
    $client = new SoapClient($wsdl, ['cache_wsdl' => WSDL_CACHE_NONE, 'soap_version' => $version]);
    $answer = $client->$operation(json_decode($parameters, true));
    echo json_encode(['result' => $answer->{$operation . 'Result'}]);
} catch (SoapFault $fault) {
    echo json_encode(['fault' => $fault->faultcode, 'code' => $fault->detail->Error->code ?? $fault->getMessage()]);
}

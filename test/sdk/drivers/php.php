<?php
/** Runs commands on the PHP kit: a JSON array of them on standard input, their outcomes on standard output. */

declare(strict_types=1);
error_reporting(E_ALL);
set_error_handler(fn(int $level, string $message) => throw new ErrorException($message));

require __DIR__ . '/../../../sdk/php/phone2pay.php';

function run(array $command): array
{
    $given = $command['arguments'];
    if ($command['call'] === 'verifyWebhook') {
        $body = base64_decode($given['bodyBase64']);
        return Phone2Pay::verifyWebhook($given['secret'], $given['headers'], $body, $given['nowSeconds']);
    }
    $client = new Phone2Pay($command['baseUrl'], $command['apiKey'], $command['timeoutMs']);
    $wanted = $given['id'] ?? $given;
    $once = ['createTransaction', 'redeemTransaction', 'cancelTransaction'];
    return in_array($command['call'], $once, true)
        ? $client->{$command['call']}($wanted, $command['idempotencyKey'] ?? null)
        : $client->{$command['call']}($wanted);
}

function outcome(array $command): array
{
    try {
        return ['answer' => run($command)];
    } catch (Phone2PayError $error) {
        $refusal = ['status' => $error->status, 'code' => $error->code, 'detail' => $error->detail];
        return ['refusal' => $refusal + ['errors' => $error->errors, 'requestId' => $error->requestId]];
    }
}

echo json_encode(array_map('outcome', json_decode(stream_get_contents(STDIN), true)));

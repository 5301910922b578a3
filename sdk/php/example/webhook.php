<?php
/** Hears what happened. 204 once it is proved to come from Phone2Pay; the same event can come twice: `webhook-id` tells. */

declare(strict_types=1);

require __DIR__ . '/shop.php';

try {
    $event = Phone2Pay::verifyWebhook(setting('PHONE2PAY_WEBHOOK_SECRET'), $_SERVER, file_get_contents('php://input'));
    // Mark the order as paid here, so that it is delivered even to a shopper who closed the page.
    error_log('webhook: ' . (is_string($event['type'] ?? null) ? $event['type'] : ''));
    http_response_code(204);
} catch (Phone2PayError $error) {
    error_log('webhook refused: ' . $error->code);
    http_response_code(400);
}

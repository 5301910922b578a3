<?php
/**
 * Phone2Pay for PHP: one file for PHP 7.4 or newer with its curl extension. Copy it into your shop.
 *
 * Money is in rappen everywhere: CHF 9.90 is 990. Each call answers an array with the fields of the API, or throws a
 * Phone2PayError.
 */

declare(strict_types=1);

/**
 * A refusal of the API; with status 0 no answer at all (code "no_answer") or a webhook that proves nothing. Branch on the
 * code, never on the texts. `not_phone2pay` is an answer that some other server gave. With status 0 and a code of
 * docs/errors.md the kit itself refused to send what can't be sent.
 */
final class Phone2PayError extends RuntimeException
{
    /** HTTP status; 0 when there was no answer. */
    public int $status;
    /** @var string What to branch on: see /docs/errors. */
    public $code;
    public string $detail;
    /** @var array<int, array{path: string, message: string}> */
    public array $errors;
    /** Quote it to support. */
    public ?string $requestId;

    public function __construct(int $status, array $problem, ?Throwable $cause = null)
    {
        $this->status = $status;
        $code = is_string($problem['code'] ?? null) ? $problem['code'] : 'not_phone2pay';
        $this->detail = is_string($problem['detail'] ?? null) ? $problem['detail'] : "HTTP status $status";
        $this->errors = is_array($problem['errors'] ?? null) ? $problem['errors'] : [];
        $this->requestId = is_string($problem['requestId'] ?? null) ? $problem['requestId'] : null;
        parent::__construct("$code: $this->detail", 0, $cause);
        $this->code = $code;
    }
}

/** A client for one merchant and mode: keys `p2p_test_…` open test transactions, `p2p_live_…` real ones. */
final class Phone2Pay
{
    private const WEBHOOK_TOLERANCE_SECONDS = 300;
    private const WEBHOOK_SECRET_BYTES_MIN = 16;

    private string $root;
    private string $apiKey;
    private int $timeoutMs;

    /** @param string $baseUrl such as https://pay.example, without /v1 */
    public function __construct(string $baseUrl, string $apiKey, int $timeoutMs = 10000)
    {
        $this->root = rtrim($baseUrl, '/') . '/v1';
        $this->apiKey = $apiKey;
        $this->timeoutMs = $timeoutMs;
    }

    /**
     * Opens a transaction; then send the shopper to its `payUrl`. `$order` has amount (an integer), currency ("CHF"),
     * description, returnUrl, and may have cancelUrl, reference, items, language, accessDays, number, metadata. With a key of
     * the order's own a request that is sent again (a double click, or after `no_answer`) answers the first one's transaction.
     */
    public function createTransaction(array $order, ?string $idempotencyKey = null): array
    {
        // An empty array would be a JSON list.
        if (isset($order['metadata'])) $order['metadata'] = (object) $order['metadata'];
        return $this->ask('POST', '/transactions', $order, $idempotencyKey);
    }

    /** The truth about a payment. What the shopper's browser brings back proves nothing. */
    public function checkTransaction(string $id): array
    {
        return $this->ask('GET', self::pathOf($id));
    }

    /**
     * Consumes a paid transaction, once: deliver when it answers. Codes: `transaction_already_redeemed`,
     * `transaction_not_paid`, `transaction_cancelled`, `transaction_expired`. After `no_answer` ask again with the same key:
     * it answers, too, if your first try had come through. So note yourself what you have delivered.
     */
    public function redeemTransaction(string $id, ?string $idempotencyKey = null): array
    {
        return $this->ask('POST', self::pathOf($id) . '/redeem', null, $idempotencyKey);
    }

    /** Cancels an unpaid transaction. */
    public function cancelTransaction(string $id, ?string $idempotencyKey = null): array
    {
        return $this->ask('POST', self::pathOf($id) . '/cancel', null, $idempotencyKey);
    }

    /** What an amount would cost and last: ['amount' => 990], and 'number' if it is to be on that one. */
    public function quote(array $wish): array
    {
        return $this->ask('POST', '/quotes', $wish);
    }

    /**
     * Answers what a webhook tells, once it is proved to come from Phone2Pay and to be fresh. Answer 2xx only when this
     * returns: Phone2Pay sends again until then.
     *
     * @param string $secret of the endpoint, `whsec_…`
     * @param array $headers of the request: $_SERVER or getallheaders()
     * @param string $body as it came: file_get_contents('php://input')
     * @throws Phone2PayError with status 0: webhook_malformed, webhook_stale, webhook_forged, webhook_secret_invalid
     */
    public static function verifyWebhook(string $secret, array $headers, string $body, ?int $now = null): array
    {
        $known = [];
        foreach ($headers as $name => $value) {
            $name = preg_replace('/^http-/', '', strtr(strtolower((string) $name), '_', '-'));
            if (is_string($value)) $known[$name] = $value;
        }
        $id = $known['webhook-id'] ?? '';
        $timestamp = $known['webhook-timestamp'] ?? '';
        $signatures = $known['webhook-signature'] ?? '';
        if ($id === '' || $signatures === '' || !preg_match('/^[0-9]{1,12}$/D', $timestamp)) {
            throw self::unproved('webhook_malformed', "The headers webhook-id, -timestamp and -signature aren't all there.");
        }
        if (abs(($now ?? time()) - (int) $timestamp) > self::WEBHOOK_TOLERANCE_SECONDS) {
            throw self::unproved('webhook_stale', 'It was signed too long ago, or a clock is wrong.');
        }
        $digest = hash_hmac('sha256', "$id.$timestamp.$body", self::keyOf($secret), true);
        $expected = 'v1,' . base64_encode($digest);
        // While a secret is being replaced there are two signatures: one that fits is enough.
        $fits = false;
        foreach (explode(' ', $signatures) as $signature) $fits = hash_equals($expected, $signature) || $fits;
        if (!$fits) throw self::unproved('webhook_forged', 'No signature fits.');
        $event = self::readObject($body);
        if ($event === null) throw self::unproved('webhook_malformed', "The body isn't a JSON object.");
        return $event;
    }

    private function ask(string $method, string $path, ?array $body = null, ?string $idempotencyKey = null): array
    {
        $headers = ['Accept: application/json', 'Authorization: Bearer ' . self::headerText($this->apiKey, 'api_key_invalid')];
        if ($body !== null) $headers[] = 'Content-Type: application/json';
        if ($idempotencyKey !== null) {
            $headers[] = 'Idempotency-Key: ' . self::headerText($idempotencyKey, 'idempotency_key_invalid');
        }
        $request = curl_init($this->root . $path);
        curl_setopt_array($request, [
            CURLOPT_RETURNTRANSFER => true,
            CURLOPT_TIMEOUT_MS => $this->timeoutMs,
            CURLOPT_NOSIGNAL => true,
            CURLOPT_PROTOCOLS => CURLPROTO_HTTP | CURLPROTO_HTTPS,
            // The key goes to this address and to no other.
            CURLOPT_FOLLOWLOCATION => false,
        ]);
        if ($method === 'POST') {
            $text = $body === null ? '' : self::writeJson($body);
            curl_setopt_array($request, [CURLOPT_POST => true, CURLOPT_POSTFIELDS => $text]);
        }
        curl_setopt($request, CURLOPT_HTTPHEADER, $headers);
        $text = curl_exec($request);
        if (!is_string($text)) {
            $detail = 'Phone2Pay did not answer: ' . curl_error($request) . '.';
            throw new Phone2PayError(0, ['code' => 'no_answer', 'detail' => $detail]);
        }
        $status = (int) curl_getinfo($request, CURLINFO_RESPONSE_CODE);
        $answer = self::readObject($text);
        if ($status < 200 || $status > 299 || $answer === null) throw new Phone2PayError($status, $answer ?? []);
        return $answer;
    }

    private static function pathOf(string $id): string
    {
        return '/transactions/' . rawurlencode($id);
    }

    /** What may stand in a header: a line end that came along with a key would end it. */
    private static function headerText(string $text, string $code): string
    {
        if (preg_match('/^[!-~]{1,255}$/D', $text)) return $text;
        throw new Phone2PayError(0, ['code' => $code, 'detail' => 'A key is printable ASCII without blanks or line ends.']);
    }

    private static function writeJson(array $body): string
    {
        try {
            return json_encode($body, JSON_THROW_ON_ERROR);
        } catch (JsonException $cause) {
            $detail = 'It can\'t be written as JSON: ' . $cause->getMessage() . '. Texts are UTF-8.';
            throw new Phone2PayError(0, ['code' => 'request_malformed', 'detail' => $detail], $cause);
        }
    }

    private static function readObject(string $text): ?array
    {
        $value = json_decode($text);
        return is_object($value) ? json_decode($text, true) : null;
    }

    private static function keyOf(string $secret): string
    {
        $key = strncmp($secret, 'whsec_', 6) === 0 ? (string) base64_decode(substr($secret, 6), true) : '';
        // An empty secret, such as that of a setting which was forgotten, would prove what anyone can sign.
        if (strlen($key) >= self::WEBHOOK_SECRET_BYTES_MIN) return $key;
        throw self::unproved('webhook_secret_invalid', 'The secret of the endpoint is wanted: whsec_ and base64.');
    }

    private static function unproved(string $code, string $detail): Phone2PayError
    {
        return new Phone2PayError(0, ['code' => $code, 'detail' => $detail]);
    }
}

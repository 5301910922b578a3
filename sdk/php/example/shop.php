<?php
/**
 * What the pages of the example shop share. It keeps no orders: what was ordered stands in the transaction's reference. What it
 * keeps is what was delivered: an empty file for each transaction in SHOP_DATA.
 */

declare(strict_types=1);

require_once __DIR__ . '/../phone2pay.php';

// The price is decided here and nowhere else: the form sends an id only.
const GOODS = [
    'song' => ['name' => 'Single « Aube »', 'amount' => 100],
    'album' => ['name' => 'Album « Nuit claire »', 'amount' => 990],
];

function client(): Phone2Pay
{
    return new Phone2Pay(setting('PHONE2PAY_BASE_URL'), setting('PHONE2PAY_API_KEY'));
}

function setting(string $name): string
{
    $value = getenv($name);
    if ($value === false) throw new RuntimeException("$name is not set");
    return $value;
}

/** Where the shopper comes back to: a setting, because the Host header is whatever the browser says. */
function shop_url(): string
{
    return getenv('SHOP_URL') ?: 'http://127.0.0.1:8000';
}

function note_of(string $id): string
{
    return setting('SHOP_DATA') . '/' . $id;
}

/** Notes that it is delivered; false when it was before. A shop with a database does that where it books the order. */
function note_delivered(string $id): bool
{
    @mkdir(setting('SHOP_DATA'), 0700, true);
    $file = @fopen(note_of($id), 'x');
    if ($file !== false) return fclose($file);
    if (is_file(note_of($id))) return false;
    throw new RuntimeException('SHOP_DATA can\'t be written');
}

function money(int $rappen): string
{
    return sprintf('CHF %d.%02d', intdiv($rappen, 100), $rappen % 100);
}

function html(string $text): string
{
    return htmlspecialchars($text, ENT_QUOTES | ENT_SUBSTITUTE, 'UTF-8');
}

/** `$body` is HTML. */
function show(int $status, string $title, string $body): void
{
    http_response_code($status);
    header('Content-Type: text/html; charset=utf-8');
    header('Cache-Control: no-store');
    $title = html($title);
    echo '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>', $title, '</title></head>',
        '<body><h1>', $title, '</h1>', $body, '<p><a href="/">Shop</a></p></body></html>';
}

function show_trouble(Phone2PayError $error): void
{
    error_log($error->getMessage());
    show(502, 'Please try again later', '<p>' . html($error->code) . '</p>');
}

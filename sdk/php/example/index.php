<?php
/** The shop window; an order opens a transaction and sends the shopper to pay. */

declare(strict_types=1);

require __DIR__ . '/shop.php';

if ($_SERVER['REQUEST_METHOD'] !== 'POST') {
    $buttons = '';
    foreach (GOODS as $id => $good) {
        $label = html($good['name'] . ', ' . money($good['amount']));
        $buttons .= '<p><button name="good" value="' . html($id) . '">' . $label . '</button></p>';
    }
    show(200, 'Shop', '<form method="post" action="/">' . $buttons . '</form>');
    return;
}

$id = $_POST['good'] ?? '';
$good = is_string($id) ? GOODS[$id] ?? null : null;
if ($good === null) {
    show(404, 'Not found', '');
    return;
}
try {
    $payment = client()->createTransaction([
        'amount' => $good['amount'],
        'currency' => 'CHF',
        'description' => $good['name'],
        'reference' => $id . '-' . bin2hex(random_bytes(8)),
        'returnUrl' => shop_url() . '/paid.php',
    ]);
    header('Location: ' . $payment['payUrl'], true, 303);
} catch (Phone2PayError $error) {
    show_trouble($error);
}

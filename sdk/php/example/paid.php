<?php
/** The shopper is back. The id in the address proves nothing: it is checked, and what is paid is redeemed, once. */

declare(strict_types=1);

require __DIR__ . '/shop.php';

try {
    welcome_back(is_string($_GET['transaction'] ?? null) ? $_GET['transaction'] : '');
} catch (Phone2PayError $error) {
    show_trouble($error);
}

function welcome_back(string $id): void
{
    try {
        $payment = client()->checkTransaction($id);
    } catch (Phone2PayError $error) {
        if ($error->code !== 'transaction_unknown') throw $error;
        show(404, 'Unknown order', '<p>There is no such order.</p>');
        return;
    }
    $good = GOODS[explode('-', (string) $payment['reference'])[0]] ?? null;
    if ($good === null || $good['amount'] !== $payment['amount']) {
        show(404, 'Unknown order', '<p>There is no such order.</p>');
        return;
    }
    try {
        $payment = client()->redeemTransaction($id);
    } catch (Phone2PayError $error) {
        if ($error->code === 'transaction_already_redeemed') {
            show(200, 'Delivered before', summary($good, $payment));
        } elseif ($error->code === 'transaction_not_paid') {
            $link = '<a href="' . html($payment['payUrl']) . '">Go on paying</a>';
            show(200, 'Not paid yet', "<p>Nothing was delivered. $link</p>");
        } else {
            throw $error;
        }
        return;
    }
    // Paid, and redeemed for the first time: deliver here.
    show(200, 'Thank you for your order', summary($good, $payment));
}

function summary(array $good, array $payment): string
{
    $rows = [
        'Order' => $payment['reference'],
        'What' => $good['name'],
        'Amount' => money($payment['amount']),
        'Paid at' => $payment['paidAt'],
        'Transaction' => $payment['id'],
    ];
    $cells = '';
    foreach ($rows as $name => $value) $cells .= '<tr><th>' . html($name) . '</th><td>' . html($value) . '</td></tr>';
    return "<table>$cells</table><p>Please print this page: it is your receipt.</p>";
}

<?php
/** The shopper is back. The id in the address proves nothing: it is checked, and what is paid is delivered, once. */

declare(strict_types=1);

require __DIR__ . '/shop.php';

const TRANSACTION_ID = '/^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$/D';

try {
    welcome_back(is_string($_GET['transaction'] ?? null) ? $_GET['transaction'] : '');
} catch (Phone2PayError $error) {
    show_trouble($error);
}

function welcome_back(string $id): void
{
    if (!preg_match(TRANSACTION_ID, $id)) {
        show_unknown();
        return;
    }
    try {
        $payment = client()->checkTransaction($id);
    } catch (Phone2PayError $error) {
        if ($error->code !== 'transaction_unknown') throw $error;
        show_unknown();
        return;
    }
    $good = GOODS[explode('-', (string) $payment['reference'])[0]] ?? null;
    if ($good === null || $good['amount'] !== $payment['amount']) {
        show_unknown();
        return;
    }
    $id = $payment['id'];
    if (is_file(note_of($id))) {
        show(200, 'Delivered before', summary($good, $payment));
        return;
    }
    try {
        // One key for one order: a redeem whose answer was lost is answered again.
        $redeemed = client()->redeemTransaction($id, "redeem-$id");
    } catch (Phone2PayError $error) {
        show_undelivered($error, $good, $payment);
        return;
    }
    if (!note_delivered($id)) {
        show(200, 'Delivered before', summary($good, $payment));
        return;
    }
    // Paid, redeemed, and noted for the first time: deliver here.
    show(200, 'Thank you for your order', summary($good, $redeemed));
}

/** Why nothing is delivered now, and what the shopper can do. Throws what they can do nothing about. */
function show_undelivered(Phone2PayError $error, array $good, array $payment): void
{
    $goOn = '<p>Nothing was delivered. <a href="' . html($payment['payUrl']) . '">Go on paying</a></p>';
    $orderAgain = '<p><a href="/">Order again</a></p>';
    if ($error->code === 'transaction_not_paid') {
        show(200, 'Not paid yet', $goOn);
    } elseif ($error->code === 'transaction_expired') {
        show(200, 'The time to pay has run out', $goOn . $orderAgain);
    } elseif ($error->code === 'transaction_cancelled') {
        show(200, 'Cancelled', '<p>Nothing was delivered.</p>' . $orderAgain);
    } elseif ($error->code === 'transaction_already_redeemed') {
        // Not by this page: ours would be in the notes.
        $advice = "<p>If your order hasn't come, please write to us.</p>";
        show(200, 'Redeemed before', summary($good, $payment) . $advice);
    } elseif ($error->code === 'idempotency_key_in_use') {
        // Another tab is at it.
        $link = '<a href="/paid.php?transaction=' . html($payment['id']) . '">Look again</a>';
        show(200, 'One moment, please', "<p>$link</p>");
    } else {
        throw $error;
    }
}

function show_unknown(): void
{
    show(404, 'Unknown order', '<p>There is no such order.</p>');
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
    foreach ($rows as $name => $value) $cells .= '<tr><th>' . html($name) . '</th><td>' . html((string) $value) . '</td></tr>';
    return "<table>$cells</table><p>Please print this page: it is your receipt.</p>";
}

' Runs commands on the ASP kit. The test puts the kit before this text and calls of RunCommand behind it.

Const FACTS = "id status exception amount total billed remaining currency payUrl reference description test number/priceText"

' fields is name=text&name=text.
Sub RunCommand(kind, baseUrl, apiKey, timeoutSeconds, fields, idempotencyKey)
  Dim given, client, answer, names, i, key
  Set given = ReadFields(fields)
  If kind = "verifyWebhook" Then
    VerifyWebhook given
    Exit Sub
  End If
  Set client = Phone2Pay(ReadText(baseUrl), ReadText(apiKey))
  client.TimeoutSeconds = timeoutSeconds
  key = ReadText(idempotencyKey)
  Select Case kind & " " & (key <> "")
    Case "createTransaction False": Set answer = client.CreateTransaction(given)
    Case "createTransaction True": Set answer = client.CreateTransactionOnce(given, key)
    Case "checkTransaction False": Set answer = client.CheckTransaction(given.Item("id"))
    Case "redeemTransaction False": Set answer = client.RedeemTransaction(given.Item("id"))
    Case "redeemTransaction True": Set answer = client.RedeemTransactionOnce(given.Item("id"), key)
  End Select
  If answer.Ok Then
    WScript.Echo "answer"
    names = Split(FACTS, " ")
    For i = 0 To UBound(names)
      WScript.Echo names(i) & "=" & WriteText(answer.Field(names(i)))
    Next
  Else
    WScript.Echo "refusal"
    WScript.Echo "status=" & answer.HttpStatus
    WScript.Echo "code=" & WriteText(answer.Code)
    WScript.Echo "detail=" & WriteText(answer.Detail)
    WScript.Echo "requestId=" & WriteText(answer.RequestId)
  End If
End Sub

Sub VerifyWebhook(given)
  Dim body, refusal
  body = BytesOf(given.Item("bodyBase64"))
  refusal = Phone2PayVerifyWebhookAt(given.Item("secret"), given.Item("webhook-id"), given.Item("webhook-timestamp"), _
    given.Item("webhook-signature"), body, CDbl(given.Item("nowSeconds")))
  If refusal = "" Then
    WScript.Echo "answer"
    WScript.Echo "type=" & WriteText(Phone2PayWebhookText(body, "type"))
    WScript.Echo "id=" & WriteText(Phone2PayWebhookText(body, "id"))
  Else
    WScript.Echo "refusal"
    WScript.Echo "status=0"
    WScript.Echo "code=" & WriteText(refusal)
  End If
End Sub

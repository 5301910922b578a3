<%
' Phone2Pay for ASP (VBScript): one file without dependencies beyond what Windows brings. Copy it into your site and include
' it at the top of a page (#include file="phone2pay.asp"). Its text is plain ASCII, so that it fits pages of any code page.
'
' Money is in rappen everywhere: CHF 9.90 is 990. Each call answers a Phone2PayAnswer: look at Ok first.

' A client for one merchant and mode: keys p2p_test_... open test transactions, p2p_live_... real ones.
' baseUrl is such as https://pay.example
Function Phone2Pay(baseUrl, apiKey)
  Dim client
  Set client = New Phone2PayClient
  client.BaseUrl = baseUrl
  client.ApiKey = apiKey
  Set Phone2Pay = client
End Function

Class Phone2PayClient
  Public BaseUrl
  Public ApiKey
  ' For a whole answer.
  Public TimeoutSeconds

  Private Sub Class_Initialize()
    TimeoutSeconds = 10
  End Sub

  ' Opens a transaction; then send the shopper to its Field("payUrl"). The order is a Scripting.Dictionary with amount,
  ' currency ("CHF"), description, returnUrl, and may have cancelUrl, reference, language, accessDays, number.
  Public Function CreateTransaction(order)
    Set CreateTransaction = Ask("CreateTransaction", order, "")
  End Function

  ' The same with an idempotency key of the order's own: a request that is sent again (a double click, or after no_answer)
  ' answers the first one's transaction.
  Public Function CreateTransactionOnce(order, idempotencyKey)
    Set CreateTransactionOnce = Ask("CreateTransaction", order, idempotencyKey)
  End Function

  ' The truth about a payment. What the shopper's browser brings back proves nothing.
  Public Function CheckTransaction(id)
    Set CheckTransaction = Ask("CheckTransaction", IdOnly(id), "")
  End Function

  ' Consumes a paid transaction, once: deliver when it answers Ok. Codes: transaction_already_redeemed,
  ' transaction_not_paid, transaction_cancelled, transaction_expired. After no_answer ask again:
  ' transaction_already_redeemed then may mean your first try.
  Public Function RedeemTransaction(id)
    Set RedeemTransaction = Ask("RedeemTransaction", IdOnly(id), "")
  End Function

  ' The same with an idempotency key: asked again with it within 24 hours, it answers Ok again if your first try had come
  ' through. So note yourself what you have delivered.
  Public Function RedeemTransactionOnce(id, idempotencyKey)
    Set RedeemTransactionOnce = Ask("RedeemTransaction", IdOnly(id), idempotencyKey)
  End Function

  Private Function IdOnly(id)
    Dim fields
    Set fields = CreateObject("Scripting.Dictionary")
    fields.Add "id", id
    Set IdOnly = fields
  End Function

  Private Function Ask(method, fields, idempotencyKey)
    Dim http, answer, body, names, i, status, bytes
    Set answer = New Phone2PayAnswer
    Set Ask = answer
    ' A line end that came along with the key would end the header.
    If idempotencyKey <> "" And Not Phone2PayMatches(idempotencyKey, "^[!-~]{1,255}$") Then
      answer.Refuse 0, "idempotency_key_invalid", "A key is printable ASCII without blanks or line ends."
      Exit Function
    End If
    body = "apiKey=" & Phone2PayEncode(ApiKey)
    names = fields.Keys
    For i = 0 To UBound(names)
      body = body & "&" & names(i) & "=" & Phone2PayEncode(fields.Item(names(i)))
    Next
    Set http = CreateObject("WinHttp.WinHttpRequest.5.1")
    http.Open "POST", Root() & "/webservices/phone2pay.asmx/" & method, True
    ' EnableRedirects: the key goes to this address and to no other. (MSXML2.ServerXMLHTTP would follow.)
    http.Option(6) = False
    http.SetRequestHeader "Content-Type", "application/x-www-form-urlencoded"
    If idempotencyKey <> "" Then http.SetRequestHeader "Idempotency-Key", idempotencyKey
    On Error Resume Next
    http.Send body
    http.WaitForResponse CLng(TimeoutSeconds)
    status = http.Status
    bytes = http.ResponseBody
    If Err.Number <> 0 Then
      http.Abort
      answer.Refuse 0, "no_answer", "Phone2Pay did not answer."
    Else
      answer.Read status, bytes
    End If
    On Error GoTo 0
  End Function

  Private Function Root()
    Root = BaseUrl
    If Right(BaseUrl, 1) = "/" Then Root = Left(BaseUrl, Len(BaseUrl) - 1)
  End Function
End Class

' A transaction (Ok is True, Field tells) or a refusal (Ok is False: branch on Code, never on the texts). The code no_answer
' means that nothing came back in time, not_phone2pay that some other server answered.
Class Phone2PayAnswer
  Public Ok
  ' 0 when there was no answer.
  Public HttpStatus
  Public Code
  Public Detail
  ' Quote it to support.
  Public RequestId
  Private element

  Private Sub Class_Initialize()
    Ok = False
    HttpStatus = 0
    Set element = Nothing
  End Sub

  ' A field by its name in the API, such as "status" or "number/priceText"; empty when there is none.
  Public Function Field(path)
    Dim node, names, i
    Field = ""
    Set node = element
    names = Split(path, "/")
    For i = 0 To UBound(names)
      If Not node Is Nothing Then Set node = ChildOf(node, names(i))
    Next
    If Not node Is Nothing Then Field = node.text
  End Function

  Public Sub Refuse(status, newCode, newDetail)
    HttpStatus = status
    Code = newCode
    Detail = newDetail
  End Sub

  ' Reads what came back: the bytes of an XML document.
  Public Sub Read(status, bytes)
    Dim document, name
    Refuse status, "not_phone2pay", "HTTP status " & status
    Set document = CreateObject("MSXML2.DOMDocument.6.0")
    document.async = False
    document.resolveExternals = False
    On Error Resume Next
    document.load Phone2PayByValue(bytes)
    If Err.Number <> 0 Then Exit Sub
    On Error GoTo 0
    If document.documentElement Is Nothing Then Exit Sub
    If document.documentElement.namespaceURI <> "urn:phone2pay:webservices" Then Exit Sub
    name = document.documentElement.baseName
    If name = "Transaction" And status = 200 Then
      Set element = document.documentElement
      Ok = True
      Code = ""
      Detail = ""
    ElseIf name = "Error" Then
      Set element = document.documentElement
      Refuse status, Field("code"), Field("detail")
      RequestId = Field("requestId")
    End If
  End Sub

  Private Function ChildOf(node, name)
    Dim i
    Set ChildOf = Nothing
    For i = 0 To node.childNodes.length - 1
      If node.childNodes.item(i).nodeType = 1 Then
        If node.childNodes.item(i).baseName = name Then
          Set ChildOf = node.childNodes.item(i)
          Exit Function
        End If
      End If
    Next
  End Function
End Class

' Whether a webhook comes from Phone2Pay and is fresh: "" if so, else webhook_malformed, webhook_stale, webhook_forged or
' webhook_secret_invalid. Answer 2xx only to what is proved: Phone2Pay sends again until then.
'   body = Request.BinaryRead(Request.TotalBytes)
'   refusal = Phone2PayVerifyWebhook(secret, Request.ServerVariables("HTTP_WEBHOOK_ID"), _
'     Request.ServerVariables("HTTP_WEBHOOK_TIMESTAMP"), Request.ServerVariables("HTTP_WEBHOOK_SIGNATURE"), body)
Function Phone2PayVerifyWebhook(secret, id, timestamp, signatures, body)
  Phone2PayVerifyWebhook = Phone2PayVerifyWebhookAt(secret, id, timestamp, signatures, body, Phone2PayUnixTime())
End Function

Function Phone2PayVerifyWebhookAt(secret, ByVal id, ByVal timestamp, ByVal signatures, body, unixTime)
  Const TOLERANCE_SECONDS = 300
  Const SECRET_BYTES_MIN = 16
  Dim key, bytes, expected, candidates, i, fits
  ' The headers come as objects of their own; texts are wanted.
  id = CStr(id)
  timestamp = CStr(timestamp)
  signatures = CStr(signatures)
  If id = "" Or signatures = "" Or Not Phone2PayMatches(timestamp, "^[0-9]{1,12}$") Then
    Phone2PayVerifyWebhookAt = "webhook_malformed"
    Exit Function
  End If
  If Abs(unixTime - CDbl(timestamp)) > TOLERANCE_SECONDS Then
    Phone2PayVerifyWebhookAt = "webhook_stale"
    Exit Function
  End If
  key = Array()
  If Phone2PayMatches(secret, "^whsec_[A-Za-z0-9+/]+={0,2}$") Then key = Phone2PayFromBase64(Mid(secret, 7))
  ' An empty secret, such as that of a setting which was forgotten, would prove what anyone can sign.
  If UBound(key) + 1 < SECRET_BYTES_MIN Then
    Phone2PayVerifyWebhookAt = "webhook_secret_invalid"
    Exit Function
  End If
  bytes = Phone2PayBytes(body)
  expected = "v1," & Phone2PayToBase64(Phone2PayHmac(key, Phone2PayJoin(Phone2PayUtf8(id & "." & timestamp & "."), bytes)))
  ' While a secret is being replaced there are two signatures: one that fits is enough.
  candidates = Split(signatures, " ")
  fits = False
  For i = 0 To UBound(candidates)
    If Phone2PaySame(candidates(i), expected) Then fits = True
  Next
  If Not fits Then
    Phone2PayVerifyWebhookAt = "webhook_forged"
  ElseIf Not Phone2PayMatches(Phone2PayAscii(bytes), "^\s*\{[\s\S]*\}\s*$") Then
    Phone2PayVerifyWebhookAt = "webhook_malformed"
  Else
    Phone2PayVerifyWebhookAt = ""
  End If
End Function

' The first text of that name in a webhook's JSON, such as "type" or "id" (of the transaction): for names and ids, which
' hold nothing that JSON escapes. Whatever else you want to know, ask CheckTransaction.
Function Phone2PayWebhookText(body, name)
  Dim expression, found
  Set expression = New RegExp
  expression.Pattern = """" & name & """\s*:\s*""([^""\\]*)"""
  Set found = expression.Execute(Phone2PayAscii(Phone2PayBytes(body)))
  Phone2PayWebhookText = ""
  If found.Count > 0 Then Phone2PayWebhookText = found.Item(0).SubMatches.Item(0)
End Function

' Seconds since 1970 in UTC. VBScript knows local time only; Windows keeps the minutes between the two here.
Function Phone2PayUnixTime()
  Const BIAS = "HKLM\SYSTEM\CurrentControlSet\Control\TimeZoneInformation\ActiveTimeBias"
  Dim minutes
  minutes = CDbl(CreateObject("WScript.Shell").RegRead(BIAS))
  If minutes > 2147483647 Then minutes = minutes - 4294967296
  ' Day 25569 is 1 January 1970.
  Phone2PayUnixTime = Int((CDbl(Now) - 25569) * 86400 + 0.5) + minutes * 60
End Function

' For a form or an address: UTF-8 and percent signs.
Function Phone2PayEncode(text)
  Const UNRESERVED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
  Dim bytes, i
  bytes = Phone2PayUtf8(CStr(text))
  For i = 0 To UBound(bytes)
    If InStr(UNRESERVED, ChrW(bytes(i))) > 0 Then
      bytes(i) = ChrW(bytes(i))
    Else
      bytes(i) = "%" & Right("0" & Hex(bytes(i)), 2)
    End If
  Next
  Phone2PayEncode = Join(bytes, "")
End Function

Function Phone2PayMatches(text, pattern)
  Dim expression
  Set expression = New RegExp
  expression.Pattern = pattern
  Phone2PayMatches = expression.Test(text)
End Function

' Whether two texts are the same, in a time that tells nothing about where they differ.
Function Phone2PaySame(one, other)
  Dim i, difference
  Phone2PaySame = False
  If Len(one) <> Len(other) Then Exit Function
  difference = 0
  For i = 1 To Len(one)
    difference = difference Or (AscW(Mid(one, i, 1)) Xor AscW(Mid(other, i, 1)))
  Next
  Phone2PaySame = (difference = 0)
End Function

' From here on bytes are arrays of numbers.

' What Request.BinaryRead answers, or a text.
Function Phone2PayBytes(body)
  Const BYTE_ARRAY = 8209
  Dim node
  If VarType(body) <> BYTE_ARRAY Then
    Phone2PayBytes = Phone2PayUtf8(CStr(body))
    Exit Function
  End If
  Set node = CreateObject("MSXML2.DOMDocument.6.0").createElement("bytes")
  node.dataType = "bin.base64"
  node.nodeTypedValue = Phone2PayByValue(body)
  Phone2PayBytes = Phone2PayFromBase64(node.text)
End Function

' Not every object takes a reference to bytes.
Function Phone2PayByValue(bytes)
  Phone2PayByValue = bytes
End Function

' A text in which each byte is a sign: right for ASCII, and good enough to look for ASCII in.
Function Phone2PayAscii(ByVal bytes)
  Dim i
  For i = 0 To UBound(bytes)
    bytes(i) = ChrW(bytes(i))
  Next
  Phone2PayAscii = Join(bytes, "")
End Function

Function Phone2PayJoin(first, second)
  Dim bytes, i, size
  size = UBound(first) + 1
  ReDim bytes(size + UBound(second))
  For i = 0 To UBound(first)
    bytes(i) = first(i)
  Next
  For i = 0 To UBound(second)
    bytes(size + i) = second(i)
  Next
  Phone2PayJoin = bytes
End Function

Function Phone2PayUtf8(text)
  Dim bytes, size, i, unit, low
  If text = "" Then
    Phone2PayUtf8 = Array()
    Exit Function
  End If
  ReDim bytes(Len(text) * 3 - 1)
  size = 0
  i = 1
  Do While i <= Len(text)
    unit = Phone2PayUnit(text, i)
    i = i + 1
    If unit >= 55296 And unit <= 57343 Then
      ' Two halves make a sign beyond the first 65536; half a sign can't be sent.
      low = 0
      If i <= Len(text) Then low = Phone2PayUnit(text, i)
      If unit <= 56319 And low >= 56320 And low <= 57343 Then
        unit = 65536 + (unit - 55296) * 1024 + (low - 56320)
        i = i + 1
      Else
        unit = 65533
      End If
    End If
    If unit < 128 Then
      bytes(size) = unit
    ElseIf unit < 2048 Then
      bytes(size) = 192 + unit \ 64
    ElseIf unit < 65536 Then
      bytes(size) = 224 + unit \ 4096
    Else
      bytes(size) = 240 + unit \ 262144
      size = size + 1
      bytes(size) = 128 + (unit \ 4096) Mod 64
    End If
    If unit >= 2048 Then
      size = size + 1
      bytes(size) = 128 + (unit \ 64) Mod 64
    End If
    If unit >= 128 Then
      size = size + 1
      bytes(size) = 128 + unit Mod 64
    End If
    size = size + 1
  Loop
  ReDim Preserve bytes(size - 1)
  Phone2PayUtf8 = bytes
End Function

Function Phone2PayUnit(text, position)
  Phone2PayUnit = CLng(AscW(Mid(text, position, 1)))
  If Phone2PayUnit < 0 Then Phone2PayUnit = Phone2PayUnit + 65536
End Function

Function Phone2PayBase64Digits()
  Phone2PayBase64Digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
End Function

Function Phone2PayFromBase64(text)
  Dim bytes, size, i, digit, digits, buffer, bits
  digits = Phone2PayBase64Digits()
  ReDim bytes(Len(text))
  size = 0
  buffer = 0
  bits = 0
  For i = 1 To Len(text)
    digit = InStr(digits, Mid(text, i, 1)) - 1
    If digit >= 0 Then
      buffer = buffer * 64 + digit
      bits = bits + 6
      If bits >= 8 Then
        bits = bits - 8
        bytes(size) = buffer \ CLng(2 ^ bits)
        buffer = buffer Mod CLng(2 ^ bits)
        size = size + 1
      End If
    End If
  Next
  If size = 0 Then
    Phone2PayFromBase64 = Array()
    Exit Function
  End If
  ReDim Preserve bytes(size - 1)
  Phone2PayFromBase64 = bytes
End Function

Function Phone2PayToBase64(bytes)
  Dim digits, i, buffer, bits
  digits = Phone2PayBase64Digits()
  Phone2PayToBase64 = ""
  buffer = 0
  bits = 0
  For i = 0 To UBound(bytes)
    buffer = buffer * 256 + bytes(i)
    bits = bits + 8
    Do While bits >= 6
      bits = bits - 6
      Phone2PayToBase64 = Phone2PayToBase64 & Mid(digits, buffer \ CLng(2 ^ bits) + 1, 1)
      buffer = buffer Mod CLng(2 ^ bits)
    Loop
  Next
  If bits > 0 Then Phone2PayToBase64 = Phone2PayToBase64 & Mid(digits, buffer * CLng(2 ^ (6 - bits)) + 1, 1)
  Do While Len(Phone2PayToBase64) Mod 4 <> 0
    Phone2PayToBase64 = Phone2PayToBase64 & "="
  Loop
End Function

' HMAC-SHA256 (RFC 2104).
Function Phone2PayHmac(ByVal key, message)
  Const BLOCK_BYTES = 64
  Dim inner(63), outer(63), i, part, sha
  Set sha = New Phone2PaySha256
  If UBound(key) + 1 > BLOCK_BYTES Then key = sha.Hash(key)
  For i = 0 To BLOCK_BYTES - 1
    part = 0
    If i <= UBound(key) Then part = key(i)
    inner(i) = part Xor 54
    outer(i) = part Xor 92
  Next
  Phone2PayHmac = sha.Hash(Phone2PayJoin(outer, sha.Hash(Phone2PayJoin(inner, message))))
End Function

' SHA-256 (FIPS 180-4). Words of 32 bits are Longs, whose sign is the highest bit.
Class Phone2PaySha256
  Private power
  Private rounds
  Private first

  Private Sub Class_Initialize()
    Dim powers(30), i
    For i = 0 To 30
      powers(i) = CLng(2 ^ i)
    Next
    power = powers
    first = Array(&H6A09E667, &HBB67AE85, &H3C6EF372, &HA54FF53A, &H510E527F, &H9B05688C, &H1F83D9AB, &H5BE0CD19)
    rounds = Array( _
      &H428A2F98, &H71374491, &HB5C0FBCF, &HE9B5DBA5, &H3956C25B, &H59F111F1, &H923F82A4, &HAB1C5ED5, _
      &HD807AA98, &H12835B01, &H243185BE, &H550C7DC3, &H72BE5D74, &H80DEB1FE, &H9BDC06A7, &HC19BF174, _
      &HE49B69C1, &HEFBE4786, &H0FC19DC6, &H240CA1CC, &H2DE92C6F, &H4A7484AA, &H5CB0A9DC, &H76F988DA, _
      &H983E5152, &HA831C66D, &HB00327C8, &HBF597FC7, &HC6E00BF3, &HD5A79147, &H06CA6351, &H14292967, _
      &H27B70A85, &H2E1B2138, &H4D2C6DFC, &H53380D13, &H650A7354, &H766A0ABB, &H81C2C92E, &H92722C85, _
      &HA2BFE8A1, &HA81A664B, &HC24B8B70, &HC76C51A3, &HD192E819, &HD6990624, &HF40E3585, &H106AA070, _
      &H19A4C116, &H1E376C08, &H2748774C, &H34B0BCB5, &H391C0CB3, &H4ED8AA4A, &H5B9CCA4F, &H682E6FF3, _
      &H748F82EE, &H78A5636F, &H84C87814, &H8CC70208, &H90BEFFFA, &HA4506CEB, &HBEF9A3F7, &HC67178F2)
  End Sub

  Public Function Hash(bytes)
    Dim padded, state(7), digest(31), i, block
    padded = Pad(bytes)
    For i = 0 To 7
      state(i) = first(i)
    Next
    For block = 0 To UBound(padded) Step 64
      Compress state, padded, block
    Next
    For i = 0 To 31
      digest(i) = ShiftRight(state(i \ 4), 24 - 8 * (i Mod 4)) And 255
    Next
    Hash = digest
  End Function

  Private Function Pad(bytes)
    Dim padded, size, i, rest
    size = UBound(bytes) + 1
    ReDim padded(((size + 8) \ 64 + 1) * 64 - 1)
    For i = 0 To UBound(padded)
      padded(i) = 0
    Next
    For i = 0 To size - 1
      padded(i) = bytes(i)
    Next
    padded(size) = 128
    rest = size * 8
    For i = 0 To 3
      padded(UBound(padded) - i) = rest Mod 256
      rest = rest \ 256
    Next
    Pad = padded
  End Function

  Private Sub Compress(state, padded, block)
    Dim w(63), i, s0, s1, t1, t2, a, b, c, d, e, f, g, h
    For i = 0 To 15
      w(i) = Word(padded, block + 4 * i)
    Next
    For i = 16 To 63
      s0 = Rotate(w(i - 15), 7) Xor Rotate(w(i - 15), 18) Xor ShiftRight(w(i - 15), 3)
      s1 = Rotate(w(i - 2), 17) Xor Rotate(w(i - 2), 19) Xor ShiftRight(w(i - 2), 10)
      w(i) = Wrap(CDbl(w(i - 16)) + s0 + w(i - 7) + s1)
    Next
    a = state(0)
    b = state(1)
    c = state(2)
    d = state(3)
    e = state(4)
    f = state(5)
    g = state(6)
    h = state(7)
    For i = 0 To 63
      s1 = Rotate(e, 6) Xor Rotate(e, 11) Xor Rotate(e, 25)
      t1 = CDbl(h) + s1 + ((e And f) Xor ((Not e) And g)) + rounds(i) + w(i)
      s0 = Rotate(a, 2) Xor Rotate(a, 13) Xor Rotate(a, 22)
      t2 = CDbl(s0) + ((a And b) Xor (a And c) Xor (b And c))
      h = g
      g = f
      f = e
      e = Wrap(t1 + d)
      d = c
      c = b
      b = a
      a = Wrap(t1 + t2)
    Next
    state(0) = Wrap(CDbl(state(0)) + a)
    state(1) = Wrap(CDbl(state(1)) + b)
    state(2) = Wrap(CDbl(state(2)) + c)
    state(3) = Wrap(CDbl(state(3)) + d)
    state(4) = Wrap(CDbl(state(4)) + e)
    state(5) = Wrap(CDbl(state(5)) + f)
    state(6) = Wrap(CDbl(state(6)) + g)
    state(7) = Wrap(CDbl(state(7)) + h)
  End Sub

  Private Function Word(bytes, at)
    Dim high
    high = (bytes(at) And 127) * power(24)
    If bytes(at) > 127 Then high = high Or &H80000000
    Word = high Or (bytes(at + 1) * power(16)) Or (bytes(at + 2) * power(8)) Or bytes(at + 3)
  End Function

  ' A sum, without what doesn't fit into 32 bits.
  Private Function Wrap(sum)
    Wrap = CLng(sum - 4294967296 * Int((sum + 2147483648) / 4294967296))
  End Function

  Private Function ShiftRight(x, bits)
    Dim shifted
    If bits = 0 Then
      ShiftRight = x
      Exit Function
    End If
    shifted = (x And &H7FFFFFFF) \ power(bits)
    If x < 0 Then shifted = shifted Or power(31 - bits)
    ShiftRight = shifted
  End Function

  ' To the right, by 2 to 30 bits: what leaves on that side comes in on the other.
  Private Function Rotate(x, bits)
    Dim rotated
    rotated = (x And &H7FFFFFFF) \ power(bits)
    If x < 0 Then rotated = rotated Or power(31 - bits)
    rotated = rotated Or ((x And (power(bits - 1) - 1)) * power(32 - bits))
    If (x And power(bits - 1)) <> 0 Then rotated = rotated Or &H80000000
    Rotate = rotated
  End Function
End Class
%>

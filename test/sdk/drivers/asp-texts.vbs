' What the driver and the host of pages share. Texts travel as ASCII: a sign that isn't a letter or a digit is % and its four
' hex digits.

Function ReadText(text)
  Dim parts, i
  parts = Split(text, "%")
  For i = 1 To UBound(parts)
    parts(i) = ChrW(CLng("&H" & Left(parts(i), 4))) & Mid(parts(i), 5)
  Next
  ReadText = Join(parts, "")
End Function

Function WriteText(text)
  Const PLAIN = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
  Dim signs, i, sign
  WriteText = ""
  If Len(text) = 0 Then Exit Function
  ReDim signs(Len(text) - 1)
  For i = 1 To Len(text)
    sign = Mid(text, i, 1)
    If InStr(PLAIN, sign) = 0 Then sign = "%" & Right("000" & Hex(Phone2PayUnit(text, i)), 4)
    signs(i - 1) = sign
  Next
  WriteText = Join(signs, "")
End Function

' Bytes as ASP brings them, from base64.
Function BytesOf(base64)
  Dim node
  Set node = CreateObject("MSXML2.DOMDocument.6.0").createElement("bytes")
  node.dataType = "bin.base64"
  node.text = base64
  BytesOf = node.nodeTypedValue
End Function

' name=text&name=text.
Function ReadFields(fields)
  Dim given, pairs, i, pair
  Set given = CreateObject("Scripting.Dictionary")
  pairs = Split(fields, "&")
  For i = 0 To UBound(pairs)
    If pairs(i) <> "" Then
      pair = Split(pairs(i), "=")
      given.Add pair(0), ReadText(pair(1))
    End If
  Next
  Set ReadFields = given
End Function

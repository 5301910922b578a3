' What Windows has and Wine's VBScript lacks, as far as the kit and its example shop need it. Functions of a script go before
' those of the language.

' Wine's own gives no object that wants to know where it is.
Function CreateObject(name)
  Set CreateObject = WScript.CreateObject(name)
End Function

Function Join(parts, separator)
  Dim i
  Join = ""
  For i = 0 To UBound(parts)
    If i > 0 Then Join = Join & separator
    Join = Join & parts(i)
  Next
End Function

Dim knownSigns
Set knownSigns = CreateObject("Scripting.Dictionary")

Function ChrW(ByVal unit)
  If unit < 0 Then unit = unit + 65536
  If unit < 128 Then
    ChrW = Chr(unit)
    Exit Function
  End If
  If Not knownSigns.Exists(unit) Then knownSigns.Add unit, SignOf(unit)
  ChrW = knownSigns.Item(unit)
End Function

' Half a sign is cut from a whole one: XML knows no halves.
Function SignOf(unit)
  If unit >= 55296 And unit <= 56319 Then
    SignOf = Left(TextOf("&#" & (65536 + (unit - 55296) * 1024) & ";"), 1)
  ElseIf unit >= 56320 And unit <= 57343 Then
    SignOf = Right(TextOf("&#" & (65536 + unit - 56320) & ";"), 1)
  Else
    SignOf = TextOf("&#" & unit & ";")
  End If
End Function

Function TextOf(xml)
  Dim document
  Set document = CreateObject("MSXML2.DOMDocument.6.0")
  document.async = False
  document.preserveWhiteSpace = True
  document.loadXML "<t>" & xml & "</t>"
  TextOf = document.documentElement.text
End Function

Function AscW(text)
  Dim sign, low, high, middle
  sign = Left(text, 1)
  low = 0
  high = 127
  If StrComp(sign, Chr(127), 0) > 0 Then
    low = 128
    high = 65533
  End If
  Do While low < high
    middle = (low + high) \ 2
    If StrComp(sign, ChrW(middle), 0) > 0 Then
      low = middle + 1
    Else
      high = middle
    End If
  Loop
  AscW = low
End Function

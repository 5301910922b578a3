<!--#include file="../phone2pay.asp"-->
<%
' What the pages of the example shop share. It keeps no orders: what was ordered stands in the transaction's reference.
' What it keeps is what was delivered: an empty file for each transaction in SHOP_DATA.
' (Including a parent folder has to be allowed in IIS; else copy phone2pay.asp beside these pages.)

' The price is decided here and nowhere else: the form sends an id only.
Function GoodName(id)
  Select Case id
    Case "song": GoodName = "Single « Aube »"
    Case "album": GoodName = "Album « Nuit claire »"
    Case Else: GoodName = ""
  End Select
End Function

Function GoodAmount(id)
  Select Case id
    Case "song": GoodAmount = 100
    Case "album": GoodAmount = 990
    Case Else: GoodAmount = 0
  End Select
End Function

Function Client()
  Set Client = Phone2Pay(Setting("PHONE2PAY_BASE_URL"), Setting("PHONE2PAY_API_KEY"))
End Function

' Settings of the machine's environment: a key doesn't belong into a page.
Function Setting(name)
  Setting = CreateObject("WScript.Shell").Environment("PROCESS").Item(name)
End Function

Function NoteOf(id)
  NoteOf = Setting("SHOP_DATA") & "\" & id
End Function

Function IsDelivered(id)
  IsDelivered = CreateObject("Scripting.FileSystemObject").FileExists(NoteOf(id))
End Function

' Notes that it is delivered; False when it was before. A shop with a database does that where it books the order.
Function NoteDelivered(id)
  Const FILE_EXISTS = 58
  Dim failure
  On Error Resume Next
  CreateObject("Scripting.FileSystemObject").CreateTextFile(NoteOf(id), False).Close
  failure = Err.Number
  On Error GoTo 0
  If failure <> 0 And failure <> FILE_EXISTS Then Err.Raise failure
  NoteDelivered = (failure = 0)
End Function

Function Money(rappen)
  Money = "CHF " & (rappen \ 100) & "." & Right("0" & (rappen Mod 100), 2)
End Function

' The body is HTML.
Sub Show(status, title, body)
  Response.Status = status
  Response.ContentType = "text/html"
  Response.Charset = "utf-8"
  Response.AddHeader "Cache-Control", "no-store"
  Response.Write "<!doctype html><html lang=""en""><head><meta charset=""utf-8""><title>" & Server.HTMLEncode(title)
  Response.Write "</title></head><body><h1>" & Server.HTMLEncode(title) & "</h1>" & body
  Response.Write "<p><a href=""default.asp"">Shop</a></p></body></html>"
End Sub

Sub ShowTrouble(answer)
  Show "502 Bad Gateway", "Please try again later", "<p>" & Server.HTMLEncode(answer.Code) & "</p>"
End Sub
%>

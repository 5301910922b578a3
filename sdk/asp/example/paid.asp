<%@ Language="VBScript" CodePage="65001" %>
<% Option Explicit %>
<!--#include file="shop.asp"-->
<%
' The shopper is back. The id in the address proves nothing: it is checked, and what is paid is delivered, once.

WelcomeBack CStr(Request.QueryString("transaction"))

Sub WelcomeBack(asked)
  Const TRANSACTION_ID = "^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$"
  Dim payment, redeemed, parts, good, id
  If Not Phone2PayMatches(asked, TRANSACTION_ID) Then
    ShowUnknown
    Exit Sub
  End If
  Set payment = Client().CheckTransaction(asked)
  If Not payment.Ok And payment.Code <> "transaction_unknown" Then
    ShowTrouble payment
    Exit Sub
  End If
  parts = Split(payment.Field("reference") & "-", "-")
  good = parts(0)
  If Not payment.Ok Or GoodAmount(good) = 0 Or payment.Field("amount") <> CStr(GoodAmount(good)) Then
    ShowUnknown
    Exit Sub
  End If

  id = payment.Field("id")
  If IsDelivered(id) Then
    Show "200 OK", "Delivered before", Summary(good, payment)
    Exit Sub
  End If
  ' One key for one order: a redeem whose answer was lost is answered again.
  Set redeemed = Client().RedeemTransactionOnce(id, "redeem-" & id)
  If Not redeemed.Ok Then
    ShowUndelivered redeemed, good, payment
  ElseIf Not NoteDelivered(id) Then
    Show "200 OK", "Delivered before", Summary(good, payment)
  Else
    ' Paid, redeemed, and noted for the first time: deliver here.
    Show "200 OK", "Thank you for your order", Summary(good, redeemed)
  End If
End Sub

' Why nothing is delivered now, and what the shopper can do.
Sub ShowUndelivered(refusal, good, payment)
  Dim goOn, orderAgain
  goOn = "<p>Nothing was delivered. <a href=""" & Server.HTMLEncode(payment.Field("payUrl")) & """>Go on paying</a></p>"
  orderAgain = "<p><a href=""default.asp"">Order again</a></p>"
  Select Case refusal.Code
    Case "transaction_not_paid"
      Show "200 OK", "Not paid yet", goOn
    Case "transaction_expired"
      Show "200 OK", "The time to pay has run out", goOn & orderAgain
    Case "transaction_cancelled"
      Show "200 OK", "Cancelled", "<p>Nothing was delivered.</p>" & orderAgain
    Case "transaction_already_redeemed"
      ' Not by this page: ours would be in the notes.
      Show "200 OK", "Redeemed before", Summary(good, payment) & "<p>If your order hasn't come, please write to us.</p>"
    Case "idempotency_key_in_use"
      ' Another tab is at it.
      Show "200 OK", "One moment, please", "<p><a href=""paid.asp?transaction=" & Server.HTMLEncode(payment.Field("id")) & _
        """>Look again</a></p>"
    Case Else
      ShowTrouble refusal
  End Select
End Sub

Sub ShowUnknown()
  Show "404 Not Found", "Unknown order", "<p>There is no such order.</p>"
End Sub

Function Summary(good, payment)
  Summary = "<table>" & Row("Order", payment.Field("reference")) & Row("What", GoodName(good)) & _
    Row("Amount", Money(GoodAmount(good))) & Row("Paid at", payment.Field("paidAt")) & _
    Row("Transaction", payment.Field("id")) & "</table><p>Please print this page: it is your receipt.</p>"
End Function

Function Row(name, value)
  Row = "<tr><th>" & name & "</th><td>" & Server.HTMLEncode(value) & "</td></tr>"
End Function
%>

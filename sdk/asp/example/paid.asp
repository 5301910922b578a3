<%@ Language="VBScript" CodePage="65001" %>
<% Option Explicit %>
<!--#include file="shop.asp"-->
<%
' The shopper is back. The id in the address proves nothing: it is checked, and what is paid is redeemed, once.

WelcomeBack CStr(Request.QueryString("transaction"))

Sub WelcomeBack(id)
  Dim payment, redeemed, parts, good
  If id = "" Then
    ShowUnknown
    Exit Sub
  End If
  Set payment = Client().CheckTransaction(id)
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

  Set redeemed = Client().RedeemTransaction(id)
  If redeemed.Ok Then
    ' Paid, and redeemed for the first time: deliver here.
    Show "200 OK", "Thank you for your order", Summary(good, redeemed)
  ElseIf redeemed.Code = "transaction_already_redeemed" Then
    Show "200 OK", "Delivered before", Summary(good, payment)
  ElseIf redeemed.Code = "transaction_not_paid" Then
    Show "200 OK", "Not paid yet", "<p>Nothing was delivered. <a href=""" & _
      Server.HTMLEncode(payment.Field("payUrl")) & """>Go on paying</a></p>"
  Else
    ShowTrouble redeemed
  End If
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

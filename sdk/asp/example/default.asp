<%@ Language="VBScript" CodePage="65001" %>
<% Option Explicit %>
<!--#include file="shop.asp"-->
<%
' The shop window; an order opens a transaction and sends the shopper to pay.

If Request.ServerVariables("REQUEST_METHOD") = "POST" Then
  PlaceOrder CStr(Request.Form("good"))
Else
  ShowGoods
End If

Sub ShowGoods()
  Show "200 OK", "Shop", "<form method=""post"" action=""default.asp"">" & Button("song") & Button("album") & "</form>"
End Sub

Function Button(id)
  Button = "<p><button name=""good"" value=""" & id & """>" & _
    Server.HTMLEncode(GoodName(id) & ", " & Money(GoodAmount(id))) & "</button></p>"
End Function

Sub PlaceOrder(id)
  Dim order, payment
  If GoodAmount(id) = 0 Then
    Show "404 Not Found", "Not found", ""
    Exit Sub
  End If
  Set order = CreateObject("Scripting.Dictionary")
  order.Add "amount", GoodAmount(id)
  order.Add "currency", "CHF"
  order.Add "description", GoodName(id)
  order.Add "reference", id & "-" & NewOrderNumber()
  order.Add "returnUrl", Setting("SHOP_URL") & "/paid.asp"
  Set payment = Client().CreateTransaction(order)
  If payment.Ok Then
    Response.Status = "303 See Other"
    Response.AddHeader "Location", payment.Field("payUrl")
  Else
    ShowTrouble payment
  End If
End Sub

' What no one else's order has: a shop with a database takes the order's number there.
Function NewOrderNumber()
  Randomize
  NewOrderNumber = Phone2PayUnixTime() & "-" & Int(Rnd * 1000000)
End Function
%>

<%@ Language="VBScript" CodePage="65001" %>
<% Option Explicit %>
<!--#include file="shop.asp"-->
<%
' Hears what happened. 204 once it is proved to come from Phone2Pay; the same event can come twice: webhook-id tells.

Const BODY_BYTES_MAX = 65536
Dim body, refusal
body = ""
If Request.TotalBytes > 0 And Request.TotalBytes <= BODY_BYTES_MAX Then body = Request.BinaryRead(Request.TotalBytes)
refusal = Phone2PayVerifyWebhook(Setting("PHONE2PAY_WEBHOOK_SECRET"), Request.ServerVariables("HTTP_WEBHOOK_ID"), _
  Request.ServerVariables("HTTP_WEBHOOK_TIMESTAMP"), Request.ServerVariables("HTTP_WEBHOOK_SIGNATURE"), body)
If refusal = "" Then
  ' Mark the order as paid here, so that it is delivered even to a shopper who closed the page:
  ' Phone2PayWebhookText(body, "id") is the transaction, which CheckTransaction tells all about.
  Response.AppendToLog "webhook-" & Phone2PayWebhookText(body, "type")
  Response.Status = "204 No Content"
Else
  Response.AppendToLog "webhook-refused-" & refusal
  Response.Status = "400 Bad Request"
End If
%>

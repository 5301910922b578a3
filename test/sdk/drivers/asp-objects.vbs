' The objects that IIS gives to a page, as far as the example shop uses them.

Class AspRequest
  Public TotalBytes
  Private inQuery
  Private inForm
  Private inVariables
  Private bytes

  Public Sub Fill(query, posted, variables, bodyBase64, bodyBytes)
    Set inQuery = ReadFields(query)
    Set inForm = ReadFields(posted)
    Set inVariables = ReadFields(variables)
    bytes = bodyBase64
    TotalBytes = bodyBytes
  End Sub

  Public Function QueryString(name)
    QueryString = ""
    If inQuery.Exists(name) Then QueryString = inQuery.Item(name)
  End Function

  Public Function Form(name)
    Form = ""
    If inForm.Exists(name) Then Form = inForm.Item(name)
  End Function

  Public Function ServerVariables(name)
    ServerVariables = ""
    If inVariables.Exists(name) Then ServerVariables = inVariables.Item(name)
  End Function

  Public Function BinaryRead(count)
    BinaryRead = BytesOf(bytes)
  End Function
End Class

Class AspResponse
  Public Status
  Public ContentType
  Public Charset
  Private headers
  Private body

  Private Sub Class_Initialize()
    Status = "200 OK"
    ContentType = "text/html"
  End Sub

  Public Sub AddHeader(name, value)
    headers = headers & "header=" & WriteText(name & ": " & value) & vbCrLf
  End Sub

  Public Sub AppendToLog(text)
    WScript.Echo "log=" & WriteText(text)
  End Sub

  Public Sub Write(text)
    body = body & text
  End Sub

  Public Sub Finish()
    Dim kind
    kind = ContentType
    If Charset <> "" Then kind = kind & "; charset=" & Charset
    AddHeader "Content-Type", kind
    WScript.Echo "status=" & WriteText(Status)
    WScript.Echo headers & "body=" & WriteText(body)
  End Sub
End Class

Class AspServer
  Public Function HTMLEncode(text)
    HTMLEncode = Replace(Replace(Replace(Replace(text, "&", "&amp;"), "<", "&lt;"), ">", "&gt;"), """", "&quot;")
  End Function
End Class

Dim Request, Response, Server
Set Request = New AspRequest
Set Response = New AspResponse
Set Server = New AspServer

"""python3 client.py WSDL OPERATION PARAMETERS(JSON) [1.2]: makes the message from what the WSDL says, with nothing but
the standard library, and prints the answer as JSON."""

import json
import sys
import urllib.error
import urllib.request
import xml.etree.ElementTree as ElementTree

WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
SCHEMA = "{http://www.w3.org/2001/XMLSchema}"
BINDINGS = {"1.1": "{http://schemas.xmlsoap.org/wsdl/soap/}", "1.2": "{http://schemas.xmlsoap.org/wsdl/soap12/}"}
ENVELOPES = {"1.1": "http://schemas.xmlsoap.org/soap/envelope/", "1.2": "http://www.w3.org/2003/05/soap-envelope"}


def main(wsdl, operation, parameters, version="1.1"):
    with urllib.request.urlopen(wsdl) as answer:
        definitions = ElementTree.parse(answer).getroot()
    namespace = definitions.get("targetNamespace")
    binding = BINDINGS[version]
    action = next(
        described.find(binding + "operation").get("soapAction")
        for described in definitions.iter(WSDL + "operation")
        if described.get("name") == operation and described.find(binding + "operation") is not None
    )
    address = next(definitions.iter(binding + "address")).get("location")
    element = next(each for each in definitions.iter(SCHEMA + "element") if each.get("name") == operation)

    envelope = "{%s}" % ENVELOPES[version]
    root = ElementTree.Element(envelope + "Envelope")
    call = ElementTree.SubElement(ElementTree.SubElement(root, envelope + "Body"), "{%s}%s" % (namespace, operation))
    given = json.loads(parameters)
    for name in (each.get("name") for each in element.iter(SCHEMA + "element")):
        if name in given:
            ElementTree.SubElement(call, "{%s}%s" % (namespace, name)).text = str(given[name])
    if version == "1.1":
        headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '"%s"' % action}
    else:
        headers = {"Content-Type": 'application/soap+xml; charset=utf-8; action="%s"' % action}
    request = urllib.request.Request(address, ElementTree.tostring(root, encoding="utf-8"), headers)
    try:
        with urllib.request.urlopen(request) as answer:
            body = ElementTree.parse(answer).getroot()
    except urllib.error.HTTPError as error:
        body = ElementTree.parse(error).getroot()
        code = next(body.iter("{%s}Error" % namespace)).findtext("{%s}code" % namespace)
        fault = body.findtext(".//faultcode") or body.findtext(".//%sCode/%sValue" % (envelope, envelope))
        print(json.dumps({"fault": fault, "code": code}))
        return
    result = next(body.iter("{%s}%sResult" % (namespace, operation)))
    print(json.dumps({"result": {child.tag.split("}")[1]: child.text for child in result}}))


main(*sys.argv[1:])

"""SNS's signatures, checked from the documentation alone (aws-facts 4.1): PKCS#1 v1.5 in thirty lines, since boto3
brings no cryptography."""

import base64
import hashlib

# DER of the DigestInfo that precedes the digest (RFC 8017, 9.2).
_DIGESTS = {
    "1": (hashlib.sha1, bytes.fromhex("3021300906052b0e03021a05000414")),
    "2": (hashlib.sha256, bytes.fromhex("3031300d060960864801650304020105000420")),
}
_SIGNED = {
    "Notification": ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"],
    "SubscriptionConfirmation": [
        "Message",
        "MessageId",
        "SubscribeURL",
        "Timestamp",
        "Token",
        "TopicArn",
        "Type",
    ],
    "UnsubscribeConfirmation": [
        "Message",
        "MessageId",
        "SubscribeURL",
        "Timestamp",
        "Token",
        "TopicArn",
        "Type",
    ],
}


def is_valid(message, pem):
    """Did the key of this certificate sign this message?"""
    modulus, exponent = _public_key(pem)
    digest, info = _DIGESTS[message["SignatureVersion"]]
    text = "".join(f"{key}\n{message[key]}\n" for key in _SIGNED[message["Type"]] if key in message)
    length = (modulus.bit_length() + 7) // 8
    tail = info + digest(text.encode()).digest()
    expected = b"\x00\x01" + b"\xff" * (length - len(tail) - 3) + b"\x00" + tail
    signature = int.from_bytes(base64.b64decode(message["Signature"], validate=True), "big")
    return pow(signature, exponent, modulus).to_bytes(length, "big") == expected


def _public_key(pem):
    """Modulus and exponent of a certificate's RSA key."""
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    der = base64.b64decode(pem.partition(begin)[2].partition(end)[0])
    # Certificate { tbsCertificate { [0] version, serial, algorithm, issuer, validity, subject, key, .. }, .. }
    [certificate] = _parts(der)
    fields = _parts(_parts(certificate[1])[0][1])
    _algorithm, bits = _parts(fields[6][1])
    # A bit string begins with the number of unused bits, 0 here.
    [key] = _parts(bits[1][1:])
    modulus, exponent = (int.from_bytes(value, "big") for _, value in _parts(key[1]))
    return modulus, exponent


def _parts(der):
    """The tags and contents that lie side by side in some DER."""
    parts = []
    while der:
        tag, length, at = der[0], der[1], 2
        if length & 0x80:
            at += length & 0x7F
            length = int.from_bytes(der[2:at], "big")
        parts.append((tag, der[at : at + length]))
        der = der[at + length :]
    return parts

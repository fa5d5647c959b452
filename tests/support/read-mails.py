"""Reads mails with Python's email package: the second opinion of the differential test.

Takes lines of JSON on standard input, each the path of a mail, and prints for each a line of JSON with what was read;
`error` alone where Python fails.
"""

import email
import email.policy
import email.utils
import hashlib
import json
import sys
from datetime import timezone


def header(message, name):
    try:
        value = message[name]
    except Exception:
        return None
    return None if value is None else str(value)


def addresses(message, name):
    found = []
    for field in message.get_all(name, []):
        for entry in getattr(field, "addresses", ()):
            found.append([entry.display_name or None, entry.addr_spec if entry.addr_spec != "<>" else None])
    return found


def date(message):
    field = message["date"]
    when = getattr(field, "datetime", None)
    if when is None:
        return None
    if when.tzinfo is None:
        # -0000 stands for UTC of an unknown place.
        when = when.replace(tzinfo=timezone.utc)
    return when.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def text_of(part):
    payload = part.get_payload(decode=True) or b""
    charset = part.get_content_charset("us-ascii")
    try:
        return payload.decode(charset)
    except (LookupError, UnicodeDecodeError):
        pass
    try:
        return payload.decode("utf-8")
    except UnicodeDecodeError:
        return payload.decode("cp1252", "replace")


def file_of(part):
    if part.get_content_maintype() == "message":
        # What Python prints of a parsed message need not be its bytes.
        digest = None
    else:
        digest = hashlib.sha256(part.get_payload(decode=True) or b"").hexdigest()
    return {"name": part.get_filename(), "type": part.get_content_type(), "sha256": digest}


def leaves(part):
    if part.is_multipart() and part.get_content_maintype() != "message":
        for child in part.iter_parts():
            yield from leaves(child)
    else:
        yield part


def read(path):
    with open(path, "rb") as stream:
        message = email.message_from_binary_file(stream, policy=email.policy.default)
    texts, htmls, files = [], [], []
    for part in leaves(message):
        kind = part.get_content_type()
        is_file = part.get_content_disposition() == "attachment"
        if part.get_content_maintype() == "multipart":
            # Its boundary never occurs: whatever is in it has not been divided.
            texts.append(text_of(part))
        elif kind in ("text/plain", "text/html") and not is_file:
            (htmls if kind == "text/html" else texts).append(text_of(part))
        else:
            files.append(file_of(part))
    return {
        "subject": header(message, "subject"),
        "messageId": header(message, "message-id"),
        "from": addresses(message, "from"),
        "to": addresses(message, "to"),
        "cc": addresses(message, "cc"),
        "date": date(message),
        "text": "\n".join(texts),
        "html": "\n".join(htmls),
        "files": files,
    }


def main():
    for line in sys.stdin:
        try:
            answer = read(json.loads(line))
        except Exception as error:  # Python's parser has bugs of its own; each costs one mail its second opinion.
            answer = {"error": f"{type(error).__name__}: {error}"}
        sys.stdout.write(json.dumps(answer) + "\n")


main()

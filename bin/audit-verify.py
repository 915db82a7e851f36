#!/usr/bin/env python3
"""Verifies an exported audit log a second time, without anything of the product: Python's own library only.

    python3 bin/audit-verify.py EXPORT [--heads FILE --public-key FILE] [--json]

Written from docs/audit.md, not from the product's verifier, so that a mistake in one shows against the other.
Ends with 0 when nothing is wrong, 1 when something is, 2 when it could not be found out.
"""

import argparse
import base64
import hashlib
import json
import re
import struct
import sys
from datetime import datetime
from functools import lru_cache

FIELDS = (
    "version account_id seq id occurred_at recorded_at actor_type actor_id on_behalf_of credential_id grant_id "
    "action operation object_type object_id root_type root_id outcome reason before_digest after_digest changes "
    "source request_id trace_id workflow_id run_id producer producer_seq"
).split()
HEAD_FIELDS = "version n account size root hash time prev key".split()
ZERO = "00" * 32
TOLERANCE_SECONDS = 300
MOVED_MAX = 1000


def sha256(data):
    return hashlib.sha256(data).digest()


def packed(values):
    parts = []
    for value in values:
        if value is None:
            parts.append(b"\xff\xff\xff\xff")
        else:
            data = str(value).encode("utf-8")
            parts.append(struct.pack(">I", len(data)) + data)
    return b"".join(parts)


def record_hash(record, seq=None):
    """SHA-256(0x00, fields with their lengths, hash before): the hash of a Merkle leaf too."""
    values = [seq if name == "seq" and seq is not None else record.get(name) for name in FIELDS]
    try:
        before = bytes.fromhex(record["prev_hash"])
    except ValueError:
        return b""
    return sha256(b"\x00" + packed(values) + before)


def instant(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def much_earlier(at, than):
    return at < than and (instant(than) - instant(at)).total_seconds() > TOLERANCE_SECONDS


# Ed25519 (RFC 8032), verification only, in extended coordinates.
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def recover(encoded):
    y = int.from_bytes(encoded, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return (x, y, 1, x * y % P)


def plus(one, other):
    a = (one[1] - one[0]) * (other[1] - other[0]) % P
    b = (one[1] + one[0]) * (other[1] + other[0]) % P
    c = 2 * one[3] * other[3] * D % P
    d = 2 * one[2] * other[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def times(scalar, point):
    result = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            result = plus(result, point)
        point = plus(point, point)
        scalar >>= 1
    return result


def same(one, other):
    return (one[0] * other[2] - other[0] * one[2]) % P == 0 and (
        one[1] * other[2] - other[1] * one[2]
    ) % P == 0


BASE = recover((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


@lru_cache(maxsize=100_000)
def signed_by(public, message, signature):
    if len(signature) != 64:
        return False
    key, commitment = recover(public), recover(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if key is None or commitment is None or scalar >= L:
        return False
    challenge = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    return same(times(scalar, BASE), plus(commitment, times(challenge, key)))


def public_keys(path):
    """Ed25519 keys of a PEM file by their id; the last 32 bytes of the DER are the key."""
    keys = {}
    text = open(path, encoding="ascii").read()
    for block in re.findall(r"BEGIN PUBLIC KEY-----([^-]+)-----END", text):
        der = base64.b64decode(block)
        keys[hashlib.sha256(der).hexdigest()[:16]] = der[-32:]
    return keys


class Tree:
    """An RFC 9162 tree as a list of (leaves, hash), each with half or less the leaves of the one before."""

    def __init__(self):
        self.parts = []

    def add(self, leaf):
        self.parts.append((1, leaf))
        while len(self.parts) > 1 and self.parts[-1][0] == self.parts[-2][0]:
            (size, right), (_, left) = self.parts.pop(), self.parts.pop()
            self.parts.append((2 * size, sha256(b"\x01" + left + right)))

    def root(self):
        if not self.parts:
            return sha256(b"").hex()
        result = self.parts[-1][1]
        for _, left in reversed(self.parts[:-1]):
            result = sha256(b"\x01" + left + result)
        return result.hex()


def consistent(before, after):
    """RFC 9162, 2.1.4.2, with the proof of the later head."""
    first, second, path = before["size"], after["size"], [bytes.fromhex(one) for one in after["consistency"]]
    old, new = bytes.fromhex(before["root"]), bytes.fromhex(after["root"])
    if first > second:
        return False
    if first == second:
        return old == new and not path
    if first == 0:
        return not path
    if first & (first - 1) == 0:
        path.insert(0, old)
    if not path:
        return False
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for part in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = sha256(b"\x01" + part + fr), sha256(b"\x01" + part + sr)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = sha256(b"\x01" + sr + part)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and fr == old and sr == new


def finding(kind, account=None, seq=None, until=None):
    return {"kind": kind, "account": account, "seq": seq, "until": until}


def check_heads(lines, keys):
    """Valid heads by account, and what is wrong with the heads by themselves."""
    by_account, findings, before = {}, [], None
    for line in lines:
        try:
            head = json.loads(line)
            message = b"\x02" + packed([head[name] for name in HEAD_FIELDS])
            signature = base64.b64decode(head["signature"])
        except (ValueError, KeyError, TypeError):
            findings.append(finding("broken heads"))
            continue
        account = head["account"]
        key = keys.get(head["key"])
        if key is None or not signed_by(key, message, signature):
            findings.append(finding("bad signature", account))
            before = (head, message)
            continue
        if before:
            follows = head["n"] == before[0]["n"] + 1 and head["prev"] == sha256(before[1]).hex()
            if not follows:
                findings.append(finding("broken heads", account))
            if much_earlier(head["time"], before[0]["time"]):
                findings.append(finding("time going back", account))
        own = by_account.setdefault(account, [])
        if own and not consistent(own[-1], head):
            findings.append(finding("rewrite", account))
        own.append(head)
        before = (head, message)
    return by_account, findings


def place_of(record):
    """The number with which the record's hash fits, as far as it is near its own."""
    for distance in range(MOVED_MAX + 1):
        for seq in (record["seq"] - distance, record["seq"] + distance):
            if seq > 0 and record_hash(record, seq).hex() == record["hash"]:
                return seq
    return None


def explain(place, record, previous, following):
    """What was done at the first place that does not fit: kind and first bad record."""
    if record["seq"] < place or (following and following["seq"] == record["seq"]):
        return "fork", record["seq"]
    if record["seq"] > place:
        return "delete", place
    original = place_of(record)
    follower = place_of(following) if following else None
    if follower == place and following["prev_hash"] == previous and original != place + 1:
        return "insert", place
    if original is None:
        return "edit", place
    if original < place:
        return "insert", original
    if original == place:
        return "edit", max(1, place - 1)
    return ("swap" if follower in (place, place + 1) else "delete"), place


def check_account(account, records, heads):
    """Everything about one account's records; the first finding by record is the first bad record."""
    findings, tree, latest, signed, previous = [], Tree(), "", 0, ZERO
    producers, waiting, whole = {}, list(heads), True
    for index, record in enumerate(records):
        place = index + 1
        following = records[place] if place < len(records) else None
        actual = record_hash(record)
        fits = record["prev_hash"] == previous and record["seq"] == place and actual.hex() == record["hash"]
        if not fits or (following and following["seq"] == place):
            findings.append(finding(*reordered(explain(place, record, previous, following), account)))
            whole = False
            break
        tree.add(actual)
        previous = record["hash"]
        if record.get("producer") is not None:
            producers.setdefault(record["producer"], []).append(record)
        if much_earlier(record["recorded_at"], latest):
            findings.append(finding("time going back", account, place))
        latest = max(latest, record["recorded_at"])
        while waiting and waiting[0]["size"] == place:
            head = waiting.pop(0)
            if head["root"] != tree.root():
                if following and following["prev_hash"] != previous:
                    explained = explain(place + 1, following, previous, None)
                    findings.append(finding(*reordered(explained, account)))
                else:
                    findings.append(finding("rewrite", account, signed + 1, place))
                whole = False
                break
            if much_earlier(head["time"], latest):
                findings.append(finding("time going back", account, place))
            latest, signed = max(latest, head["time"]), place
        if not whole:
            break
    longer = [head["size"] for head in heads if head["size"] > len(records)]
    if whole and longer:
        findings.append(finding("truncation", account, len(records) + 1, longer[0]))
    gap = first_gap(producers)
    if gap is not None:
        findings.append(finding("missing producer record", account, gap))
    findings.sort(key=lambda one: one["seq"])
    return {"records": len(records), "signed": signed, "findings": findings}


def reordered(explained, account):
    kind, seq = explained
    return kind, account, seq


def first_gap(producers):
    """Place of the first record whose producer counts further than it has records."""
    gaps = []
    for records in producers.values():
        dropped = sum(int(n) for r in records for n in re.findall(r'"dropped_before":(\d+)', r["changes"] or ""))
        first = records[0]["producer_seq"]
        numbers = {record["producer_seq"]: record["seq"] for record in records if record["producer_seq"] >= first}
        present = first
        while present + 1 in numbers:
            present += 1
        missing = max(numbers) - first + 1 - len(numbers)
        if missing > dropped:
            gaps.append(min(place for number, place in numbers.items() if number > present))
    return min(gaps) if gaps else None


def verify(export, heads_file, key_file):
    keys = public_keys(key_file) if key_file else {}
    lines = open(heads_file, encoding="utf-8").read().split("\n")[:-1] if heads_file else []
    heads, findings = check_heads(lines, keys)
    accounts = {account: [] for account in heads}
    with open(export, encoding="utf-8") as source:
        for number, line in enumerate(source):
            try:
                record = json.loads(line)
                accounts.setdefault(record["account_id"], []).append(record)
            except (ValueError, KeyError):
                if number > 0:
                    findings.append(finding("edit"))
    verdicts = {
        account: check_account(account, records, heads.get(account, [])) for account, records in accounts.items()
    }
    return {"accounts": verdicts, "findings": findings}


def main():
    parser = argparse.ArgumentParser(description="Verifies an exported audit log.")
    parser.add_argument("export", nargs="+", help="one or more exports")
    parser.add_argument("--heads", action="append", default=[], help="heads, one file for each export in turn")
    parser.add_argument("--public-key")
    parser.add_argument("--json", action="store_true", help="one JSON line for each export")
    options = parser.parse_args()
    wrong = False
    for number, export in enumerate(options.export):
        heads = options.heads[number] if number < len(options.heads) else None
        verdict = verify(export, heads, options.public_key)
        found = verdict["findings"] + [one for a in verdict["accounts"].values() for one in a["findings"]]
        wrong = wrong or bool(found)
        if options.json:
            print(json.dumps(verdict))
            continue
        for account, result in verdict["accounts"].items():
            print(f"{account}: {result['records']} records, {result['signed']} of them proven by signed heads")
        for one in found:
            print(f"  {one['kind'].upper()} in {one['account']} at record {one['seq']}")
        if not found:
            print("Nothing is wrong.")
    return 1 if wrong else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, ValueError) as error:
        print(f"It could not be found out: {error}", file=sys.stderr)
        sys.exit(2)
